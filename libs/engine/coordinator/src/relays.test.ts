import { maximalNodes } from "@latentweave/aggregation";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignLeases } from "./assign.ts";
import { relaysOf } from "./relays.ts";

type Candidate = Parameters<typeof relaysOf>[0][number];

function member(workerId: string, loopback: string | undefined, change: Partial<Candidate> = {}): Candidate {
  return {
    workerId,
    relay: loopback === undefined ? undefined : { loopback, port: 4000 },
    leases: [{ task: "t", start: 0, end: 1 }],
    suspended: false,
    ...change,
  };
}

const spoken = (active: readonly Candidate[]): Record<string, string> =>
  Object.fromEntries([...relaysOf(active)].map(([workerId, relay]) => [workerId, relay.workerId]));

describe("workers that speak for others", () => {
  it("are the longest here of each host on which several have something to compute", () => {
    const active = [
      member("near", undefined),
      member("a1", "a"),
      member("b1", "b"),
      member("a2", "a"),
      member("c1", "c"),
      member("b2", "b", { leases: [] }),
      member("a3", "a", { leases: [] }),
    ];
    expect(spoken(active)).toEqual({ a1: "a1", a2: "a1", a3: "a1" });
    expect(
      relaysOf(active)
        .get("a3")
        ?.workers.map(({ workerId, leases }) => [workerId, leases.length]),
    ).toEqual([
      ["a1", 1],
      ["a2", 1],
      ["a3", 0],
    ]);
  });

  it("are none on a host where somebody is late: it may be the one that others would wait for", () => {
    const late = member("a2", "a", { suspended: true });
    const others = [member("b1", "b"), member("b2", "b")];
    expect(spoken([member("a1", "a"), late, member("a3", "a"), ...others])).toEqual({ b1: "b1", b2: "b1" });
  });
});

describe("slots of workers that share a host", () => {
  const hosts = fc.array(fc.nat(3), { minLength: 1, maxLength: 12 });
  const tasks = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });

  it("are neighbours: what leaves the host is one range of each task, or two where it is cut at the end", () => {
    fc.assert(
      fc.property(hosts, tasks, (of, sizes) => {
        const spec = {
          tasks: sizes.map((slots, index) => ({ name: `t${index}`, slots, microBatch: 1 })),
        } as unknown as Parameters<typeof assignLeases>[0];
        const workers = of.map((host, index) => ({ workerId: `w${index}`, speed: 1, host: `h${host}` }));
        const leases = assignLeases(spec, workers);
        for (const host of new Set(of))
          for (const { name } of spec.tasks) {
            const own = workers
              .filter((worker) => worker.host === `h${host}`)
              .flatMap(({ workerId }) => leases.get(workerId) ?? [])
              .filter(({ task }) => task === name)
              .toSorted((a, b) => a.start - b.start);
            for (const [place, { start }] of own.entries())
              if (place > 0) expect(start, `${name} of host ${host}`).toBe(own[place - 1]?.end);
          }
      }),
    );
  });

  it("are whole subtrees of hosts of equal size: one sum for each leaves it", () => {
    const spec = { tasks: [{ name: "t", slots: 16, microBatch: 1 }] } as unknown as Parameters<
      typeof assignLeases
    >[0];
    // In turn, as they may come.
    const workers = Array.from({ length: 8 }, (_, index) => ({
      ...{ workerId: `w${index}`, speed: 1, host: `h${index % 2}` },
    }));
    const leases = assignLeases(spec, workers);
    const rangeOf = (host: string): [number, number] => {
      const own = workers
        .filter((one) => one.host === host)
        .flatMap(({ workerId }) => leases.get(workerId) ?? []);
      return [Math.min(...own.map(({ start }) => start)), Math.max(...own.map(({ end }) => end))];
    };
    for (const host of ["h0", "h1"]) expect(maximalNodes(...rangeOf(host), 16)).toHaveLength(1);
  });
});
