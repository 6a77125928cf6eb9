import { describe, expect, it } from "vitest";
import { plants } from "../planted/bugs.ts";
import { exploreDepartures } from "./departures.ts";
import type { Exploration, Limits } from "./exploration.ts";
import { changesLoss } from "./happened-before.ts";
import { exploreOrders } from "./orders.ts";
import { type Losses, type Option, runOnce, type Size } from "./run.ts";

const nobody: Losses = { most: 0, of: () => false };
const anybody: Losses = { most: 1, of: () => true };
const coordinator: Losses = { most: 1, of: (name) => name === "coordinator" };
const limitMs = 600_000;
const smallest: Size = { shards: 1, workers: 1, steps: 1 };

/** Ends of all orders there are, one run for each thing that can happen in each state: no reduction, but for states. */
async function endsOfAll(size: Size, losses: Losses): Promise<number> {
  const seen = new Set<number>();
  const ends = new Set<number>();
  const todo: (readonly string[])[] = [[]];
  for (let path = todo.pop(); path; path = todo.pop()) {
    const steps = [...path];
    let last: Option | undefined;
    const run = { isKnown: false };
    const { state } = await runOnce(size, losses, {
      choose(at, options, now) {
        let chosen = options.find(({ id }) => id === steps[at]);
        if (!chosen) {
          const state = now.state();
          run.isKnown = seen.has(state);
          if (run.isKnown) return undefined;
          seen.add(state);
          const different = options.filter(
            (one) => one.kind !== "loss" || !last || changesLoss(one, last, now.silent),
          );
          for (const other of different.slice(1)) todo.push([...steps, other.id]);
          chosen = different[0];
          steps.push(chosen?.id ?? "");
        }
        return (last = chosen);
      },
    });
    if (!run.isKnown) ends.add(state);
  }
  return ends.size;
}

describe("every order of events of a small cluster", () => {
  it("is explored to the end, and every invariant holds", { timeout: limitMs }, async () => {
    const sizes: Size[] = [
      { ...smallest, steps: 2 },
      { ...smallest, workers: 2 },
    ];
    for (const size of sizes) {
      const found = await exploreOrders(size, nobody, { limitMs });
      expect(found).toMatchObject({ exhausted: true, violations: [] });
      expect(found.states).toBeGreaterThan(100);
    }
  });

  it("is explored with the coordinator lost at any point", { timeout: limitMs }, async () => {
    const found = await exploreOrders(smallest, coordinator, { limitMs });
    expect(found).toMatchObject({ exhausted: true, violations: [] });
    expect(found.states).toBeGreaterThan(1_000);
  });

  it("ends as often in different ways as without the reduction", { timeout: limitMs }, async () => {
    for (const [size, losses] of [
      [{ ...smallest, steps: 2 }, nobody],
      [{ ...smallest, workers: 2 }, nobody],
    ] as const)
      expect((await exploreOrders(size, losses, { limitMs })).ends).toBe(await endsOfAll(size, losses));
  });
});

describe("a mistake that shows within the bounds is found by exploring", () => {
  const bugNamed = (name: string): Limits => {
    const found = plants.find((plant) => plant.name === name);
    if (!found) throw new Error(`no such bug: ${name}`);
    return { limitMs, bug: found.plant, stopsAtFirst: true };
  };
  const two: Size = { shards: 2, workers: 2, steps: 2 };

  for (const [name, states, explore] of [
    [
      "a commit that the ledger has already is recorded once more",
      8_000,
      (limits) => exploreOrders(smallest, coordinator, limits),
    ],
    [
      "a record is acknowledged before it is written",
      2_000,
      (limits) => exploreDepartures({ ...smallest, steps: 2 }, anybody, 0, limits),
    ],
    [
      "a step is committed before a follower has all of its slices",
      500,
      (limits) => exploreOrders({ ...smallest, shards: 2 }, nobody, limits),
    ],
    [
      "a version counts as settled before a follower has applied it",
      500,
      (limits) => exploreDepartures(two, anybody, 0, limits),
    ],
  ] as const satisfies readonly (readonly [string, number, (limits: Limits) => Promise<Exploration>])[])
    it(`within ${states} states: ${name}`, { timeout: limitMs }, async () => {
      const found = await explore(bugNamed(name));
      expect(found.violations).toHaveLength(1);
      expect(found.states).toBeLessThanOrEqual(states);
    });
});
