import { describe, expect, it } from "vitest";
import { dealTeams } from "./teams.ts";

const tasks = [
  { name: "a", slots: 5 },
  { name: "b", slots: 3 },
] as unknown as Parameters<typeof dealTeams>[0]["tasks"];
const workersOf = (count: number): { workerId: string; speed: number }[] =>
  Array.from({ length: count }, (_, place) => ({ workerId: `w${place}`, speed: 1 }));
const none = new Map<string, number>();

describe("teams of a mode with an order", () => {
  it.each([
    ["stale, bound 0: all together, as in sync", { kind: "stale", bound: 0 } as const, 5, [5]],
    ["stale, bound 1", { kind: "stale", bound: 1 } as const, 5, [3, 2]],
    ["stale, with fewer workers than the bound allows", { kind: "stale", bound: 7 } as const, 3, [1, 1, 1]],
    ["async: everybody alone", { kind: "async" } as const, 4, [1, 1, 1, 1]],
  ])("%s", (_, mode, count, sizes) => {
    const places = [...dealTeams({ tasks, mode }, workersOf(count), none).values()];
    const found = sizes.map((__, team) => places.filter((place) => place.team === team).length);
    expect(found).toEqual(sizes);
    expect(places).toHaveLength(count);
  });

  it("cover every slot once, each for itself", () => {
    const places = [...dealTeams({ tasks, mode: { kind: "stale", bound: 2 } }, workersOf(7), none).values()];
    for (const team of [0, 1, 2])
      for (const { name, slots } of tasks) {
        const covered = places
          .filter((place) => place.team === team)
          .flatMap(({ leases }) => leases.filter(({ task }) => task === name))
          .flatMap(({ start, end }) => Array.from({ length: end - start }, (__, place) => start + place));
        expect(covered.toSorted((a, b) => a - b)).toEqual(Array.from({ length: slots }, (__, slot) => slot));
      }
  });

  it("keep their workers when others come and go", () => {
    const mode = { kind: "async" } as const;
    const before = new Map(
      [...dealTeams({ tasks, mode }, workersOf(3), none)].map(([id, { team }]) => [id, team]),
    );
    const after = dealTeams({ tasks, mode }, workersOf(4), before);
    for (const [id, team] of before) expect(after.get(id)?.team).toBe(team);
    // Nobody is left in a team that is no more, and none is empty.
    const fewer = dealTeams(
      { tasks, mode },
      workersOf(4).slice(1),
      new Map([...after].map(([id, { team }]) => [id, team])),
    );
    expect([...fewer.values()].map(({ team }) => team).toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
  });
});
