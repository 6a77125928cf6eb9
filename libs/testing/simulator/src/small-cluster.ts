import type { RunSpec } from "@latentweave/plan";
import type { CheckpointSource } from "@latentweave/protocol";
import { expect } from "vitest";
import { createCluster, randomRows } from "./cluster.ts";
import { smallClasses, smallWidth } from "./small-job.ts";

type Cluster = ReturnType<typeof createCluster>;

const rows = randomRows(smallWidth, smallClasses);

/** A simulated cluster for a small job, with all its workers; every shape of it has delays of its own. */
export function smallCluster(
  spec: RunSpec,
  workers: number,
  shards: number,
  more: Partial<Parameters<typeof createCluster>[0]> = {},
): Cluster {
  const seed = workers * 10 + shards;
  const cluster = createCluster({ spec, shards, expectedWorkers: workers, rows, seed, ...more });
  for (let index = 0; index < workers; index++) cluster.addWorker(`w${index}`);
  return cluster;
}

/** Interrupts a run once `step` is reached. @returns what it goes on from */
export async function checkpointAt(cluster: Cluster, step: number): Promise<CheckpointSource> {
  await cluster.runUntil(() => cluster.coordinator.snapshot().step >= step);
  cluster.coordinator.stop("interrupted by the test");
  expect((await cluster.finish()).state).toBe("interrupted");
  const resume = await cluster.store.latestCheckpoint();
  if (!resume) throw new Error("the interrupted run left no checkpoint");
  return resume;
}
