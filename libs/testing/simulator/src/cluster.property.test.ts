import { loadArithmetic } from "@latentweave/arithmetic";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cluster, createCluster, randomRows } from "./cluster.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";

const rows = randomRows(smallWidth, smallClasses);
const spec = smallSpec({ steps: 8 });

function clusterOf(workers: number, shards: number, seed: number): Cluster {
  const cluster = createCluster({ spec, shards, expectedWorkers: workers, rows, seed });
  for (let index = 0; index < workers; index++) cluster.addWorker(`w${index}`);
  return cluster;
}

/** What happens to a cluster, as data: at a virtual moment somebody comes, goes, dies, or is replaced by itself. */
const happening = fc.record({
  atMs: fc.integer({ min: 1, max: 250 }),
  kind: fc.constantFrom("kill", "leave", "join", "restart"),
  who: fc.nat(4),
});

describe("any cluster, whatever happens to it", () => {
  it("commits the bits of one worker beside one shard, and every sample once", async () => {
    const reference = (await clusterOf(1, 1, 1).finish()).hash;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(happening, { maxLength: 6 }),
        fc.nat(1_000_000),
        async (workers, shards, happenings, seed) => {
          const cluster = createCluster({ spec, shards, expectedWorkers: workers, rows, seed });
          const alive = Array.from({ length: workers }, (_, index) => cluster.addWorker(`w${index}`));
          for (const { atMs, kind, who } of happenings) {
            cluster.clock.after(atMs, () => {
              const one = alive[who % alive.length];
              if (kind === "join" || !one) alive.push(cluster.addWorker(`late-${atMs}-${alive.length}`));
              else if (kind === "leave") one.worker.leave("test");
              else if (kind === "kill") one.kill();
              // The older self may still be connected: a half-open connection.
              else alive.push(cluster.addWorker(one.workerId));
            });
          }
          // Whoever is left, the run ends.
          cluster.clock.after(300, () => cluster.addWorker("last"));
          const outcome = await cluster.finish();
          expect(outcome).toMatchObject({ state: "finished", hash: reference });
          const { commits } = cluster.store;
          expect(commits.map(({ step }) => step)).toEqual(commits.map((_, step) => step));
          for (const { step, tasks } of commits)
            for (const task of tasks)
              expect(task.metrics.samples, `${task.task} of step ${step}`).toBe(task.samples);
        },
      ),
      { numRuns: 25, seed: 20 },
    );
  });
});

describe("memory", () => {
  it("does not grow step over step, on shards nor on workers", async () => {
    const arenas = new Array<ReturnType<typeof loadArithmetic>>();
    const cluster = createCluster({
      spec: smallSpec({ steps: 300, checkpointEverySteps: 50, clipNorm: 1 }),
      shards: 2,
      expectedWorkers: 2,
      rows,
      seed: 1,
      arithmeticOf: () => {
        const arithmetic = loadArithmetic();
        arenas.push(arithmetic);
        return arithmetic;
      },
    });
    cluster.addWorker("a");
    cluster.addWorker("b");
    const peaks: number[] = [];
    for (const [from, to] of [
      [20, 40],
      [280, 299],
    ] as const) {
      await cluster.runUntil(() => cluster.coordinator.snapshot().step >= from);
      let peak = 0;
      await cluster.runUntil(() => {
        peak = Math.max(
          peak,
          arenas.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
        );
        return cluster.coordinator.snapshot().step >= to;
      });
      peaks.push(peak);
    }
    expect(arenas.length).toBeGreaterThan(2);
    expect(peaks[1]).toBeLessThanOrEqual((peaks[0] ?? 0) * 1.05);
    expect((await cluster.finish()).state).toBe("finished");
  });
});
