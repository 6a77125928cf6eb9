import { type SimulatedHosts, simulateHosts, smallSpec } from "@latentweave/simulator";
import type { StepCosts } from "@latentweave/telemetry";
import { describe, expect, it } from "vitest";
import { computeNothing } from "./compute-nothing.ts";

const free: StepCosts = {
  ...{ fixedMs: 0, perWorkerMs: 0 },
  byNumbers: [{ numbers: 300, workerNs: 0, updateNs: 0, contributionNs: 0 }],
};
const ideal = { bitsPerSecond: 1e15, latencyMs: 0, computeMs: 10, costs: free };

function simulate(hosts: number, change: Partial<SimulatedHosts> = {}): Promise<number> {
  const [first] = smallSpec().tasks;
  const spec = smallSpec({
    ...{ steps: 20, hidden: 4_000, evaluation: null },
    tasks: smallSpec().tasks.map((task) => ({ ...task, slots: task === first ? hosts : 1 })),
  });
  // One slot of one task for each host, so that nobody computes twice.
  const [kept] = spec.tasks;
  const phases = spec.phases.map((phase) => ({ ...phase, graphs: phase.graphs.slice(0, 1) }));
  if (!kept) throw new Error("no task");
  const alone = { ...spec, phases, tasks: [{ ...kept, name: "first", slots: hosts }] };
  return simulateHosts(alone, { ...ideal, ...change, hosts }, computeNothing);
}

describe("hosts in virtual time", () => {
  it("take as long as they compute where nothing else takes time, however many there are", async () => {
    for (const hosts of [1, 2, 4]) expect(await simulate(hosts)).toBeCloseTo(10, 3);
  });

  it("wait as many ways as a step has: weights, pushes and what shards tell each other", async () => {
    expect(await simulate(2, { latencyMs: 3 })).toBeCloseTo(10 + 4 * 3, 5);
    // On one host there is no way.
    expect(await simulate(1, { latencyMs: 3 })).toBeCloseTo(10, 5);
  });

  it("wait for a slow link, and the longer the slower it is", async () => {
    const link = async (bitsPerSecond: number): Promise<number> =>
      (await simulate(2, { bitsPerSecond })) - 10;
    const [slow, slower] = [await link(1e8), await link(5e7)];
    expect(slow).toBeGreaterThan(1);
    expect(slower / slow).toBeCloseTo(2, 1);
  });

  it("take what moving and summing costs, and more of it with more workers for each shard's numbers", async () => {
    const costs = { ...free, byNumbers: [{ numbers: 300, workerNs: 0, updateNs: 0, contributionNs: 100 }] };
    const extra = async (hosts: number): Promise<number> => (await simulate(hosts, { costs })) - 10;
    expect(await extra(1)).toBeGreaterThan(1);
    // Each shard has 1/W of the numbers, from W workers.
    expect((await extra(4)) / (await extra(1))).toBeCloseTo(1, 0);
  });

  it("begin a step later by what it costs whatever its size", async () => {
    expect(await simulate(2, { costs: { ...free, fixedMs: 2.5 } })).toBeCloseTo(12.5, 5);
  });
});
