import { registerCombiner } from "@latentweave/multitask";
import type { CheckpointSource } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createCluster, randomRows } from "./cluster.ts";
import { finalHash } from "./final-hash.ts";
import { checkpointAt } from "./small-cluster.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";

const rows = randomRows(smallWidth, smallClasses);

describe("the same bits, whatever the cluster", () => {
  it("gives one hash for any number of workers and shards and any delays", async () => {
    const spec = smallSpec();
    const reference = await finalHash(spec, 1, 1, 1);
    for (const [workers, shards, seed] of [
      [2, 1, 2],
      [3, 2, 3],
      [4, 3, 4],
      [7, 2, 5],
    ] as const)
      expect(await finalHash(spec, workers, shards, seed), `${workers} workers, ${shards} shards`).toBe(
        reference,
      );
  });

  it("gives one hash where groups span several blocks and shards, with clipping and Ω on", async () => {
    const spec = smallSpec({
      steps: 3,
      hidden: 3000,
      clipNorm: 0.5,
      regulariser: { omega: "mean", lambda: 0.1 },
    });
    const reference = await finalHash(spec, 1, 1, 1);
    expect(await finalHash(spec, 3, 3, 2)).toBe(reference);
    expect(await finalHash(smallSpec({ steps: 3, hidden: 3000 }), 1, 1, 1)).not.toBe(reference);
  });
});

describe("workers come and go", () => {
  it("keeps the bits and commits every slot once when workers are killed, leave and join in the middle", async () => {
    const spec = smallSpec({ steps: 12 });
    const reference = await finalHash(spec, 1, 1, 1);
    const cluster = createCluster({ spec, shards: 2, expectedWorkers: 2, rows, seed: 9 });
    const first = cluster.addWorker("a");
    const second = cluster.addWorker("b", 5);
    await cluster.runUntil(() => cluster.coordinator.snapshot().step >= 3);
    first.kill();
    await cluster.runUntil(() => cluster.coordinator.snapshot().step >= 5);
    cluster.addWorker("c");
    cluster.addWorker("d");
    await cluster.runUntil(() => cluster.coordinator.snapshot().step >= 8);
    second.worker.leave("test");
    const outcome = await cluster.finish();
    expect(outcome.hash).toBe(reference);
    const steps = cluster.store.commits.map((commit) => commit.step);
    expect(steps).toEqual(steps.map((_, step) => step));
    for (const commit of cluster.store.commits)
      for (const task of commit.tasks)
        expect(task.metrics.samples, `${task.task} of step ${commit.step}`).toBe(task.samples);
  });

  it("waits for a worker when the last one is lost, and goes on with the next", async () => {
    const spec = smallSpec();
    const cluster = createCluster({ spec, shards: 1, expectedWorkers: 1, rows, seed: 3 });
    const only = cluster.addWorker("a");
    await cluster.runUntil(() => cluster.coordinator.snapshot().step >= 2);
    only.kill();
    await cluster.runUntil(() => cluster.coordinator.snapshot().state === "waiting");
    expect(cluster.coordinator.snapshot().state).toBe("waiting");
    cluster.addWorker("b");
    expect((await cluster.finish()).hash).toBe(await finalHash(spec, 1, 1, 1));
  });
});

describe("stopping and resuming", () => {
  it("ends with the bits of the run that was never interrupted, with another number of shards", async () => {
    const spec = smallSpec({ steps: 10 });
    const reference = await finalHash(spec, 1, 1, 1);
    const before = createCluster({ spec, shards: 2, expectedWorkers: 2, rows, seed: 4 });
    before.addWorker("a");
    before.addWorker("b");
    await before.runUntil(() => before.coordinator.snapshot().step >= 4);
    before.coordinator.stop("interrupted by the test");
    const interrupted = await before.finish();
    expect(interrupted.state).toBe("interrupted");
    const resume = await before.store.latestCheckpoint();
    if (!resume) throw new Error("the interrupted run left no checkpoint");
    const after = createCluster({ spec, shards: 3, expectedWorkers: 1, rows, seed: 5, resume });
    after.addWorker("c");
    const outcome = await after.finish();
    expect(outcome).toMatchObject({ state: "finished", hash: reference });
    expect(after.store.commits[0]?.step).toBe(interrupted.version);
  });
});

describe("a run that cannot go on", () => {
  it("fails, naming the step, when a loss is not a number", async () => {
    const spec = smallSpec({ optimiser: { kind: "sgd", learningRate: 1e30 } });
    const cluster = createCluster({ spec, shards: 1, expectedWorkers: 1, rows, seed: 3 });
    cluster.addWorker("a");
    const outcome = await cluster.finish();
    expect(outcome.state).toBe("failed");
    expect(outcome.reason).toMatch(/step \d+ cannot be committed/);
  });
});

describe("a combiner that remembers", () => {
  // Weighs the tasks by how often it was asked: any lost or repeated call changes the bits.
  registerCombiner<{ readonly calls: number; readonly drift: number }>({
    name: "remembers",
    needsGram: true,
    init: () => ({ calls: 0, drift: 0 }),
    solve: ({ taskCount, gram, state }) => ({
      weights: Float64Array.from(
        { length: taskCount },
        (_, task) => 1 / (1 + task + state.calls) + state.drift,
      ),
      state: { calls: state.calls + 1, drift: state.drift + (gram?.[1] ?? 0) / 3 },
    }),
  });

  it("goes on from a checkpoint with what it knew", async () => {
    const spec = smallSpec({ steps: 9, combiner: { name: "remembers", options: {} } });
    const reference = await finalHash(spec, 2, 2, 1);
    const before = createCluster({ spec, shards: 2, expectedWorkers: 2, rows, seed: 4 });
    before.addWorker("a");
    before.addWorker("b");
    const resume = await checkpointAt(before, 4);
    expect(resume.meta).toMatchObject({ combiner: { calls: resume.version } });
    const resumed = async (source: CheckpointSource): Promise<string | null> => {
      const after = createCluster({ spec, shards: 1, expectedWorkers: 1, rows, seed: 5, resume: source });
      after.addWorker("c");
      return (await after.finish()).hash;
    };
    expect(await resumed(resume)).toBe(reference);
    expect(await resumed({ ...resume, meta: {} }), "its state matters").not.toBe(reference);
  });
});

describe("stopping at awkward moments", () => {
  it("ends with a checkpoint whenever it is stopped, and resumes to the same bits, even when only the closing evaluation is left", async () => {
    const spec = smallSpec({ steps: 4, checkpointEverySteps: 2 });
    const reference = await finalHash(spec, 1, 1, 1);
    let stops = 0;
    for (let seed = 0; seed < 12; seed++) {
      const before = createCluster({ spec, shards: 3, expectedWorkers: 1, rows, seed });
      before.addWorker("a");
      const stopAt = 1 + (seed % 4);
      const lateMs = (seed * 7) % 5;
      await before.runUntil(() => before.coordinator.snapshot().step >= stopAt);
      before.clock.after(lateMs, () => before.coordinator.stop("interrupted by the test"));
      const outcome = await before.finish();
      if (outcome.state === "finished") {
        expect(outcome.hash, `seed ${seed}`).toBe(reference);
        continue;
      }
      stops += 1;
      expect(outcome.state, `seed ${seed}: ${outcome.reason ?? ""}`).toBe("interrupted");
      const resume = await before.store.latestCheckpoint();
      expect(resume?.version, `seed ${seed}`).toBe(outcome.version);
      const after = createCluster({
        spec,
        shards: 2,
        expectedWorkers: 1,
        rows,
        seed,
        ...(resume && { resume }),
      });
      after.addWorker("b");
      expect((await after.finish()).hash, `resumed from ${outcome.version}, seed ${seed}`).toBe(reference);
    }
    expect(stops).toBeGreaterThan(6);
  });

  it("has nothing to do when the checkpoint is that of the last step", async () => {
    const spec = smallSpec({ steps: 2, evaluation: null });
    const before = createCluster({ spec, shards: 1, expectedWorkers: 1, rows, seed: 1 });
    before.addWorker("a");
    const { hash } = await before.finish();
    const resume = await before.store.latestCheckpoint();
    if (!resume) throw new Error("no checkpoint");
    const after = createCluster({ spec, shards: 2, expectedWorkers: 1, rows, seed: 1, resume });
    expect(await after.finish()).toMatchObject({ state: "finished", hash });
  });

  it("begins with shards that own nothing", async () => {
    const spec = smallSpec({ steps: 2 });
    const reference = await finalHash(spec, 1, 1, 1);
    for (let seed = 0; seed < 6; seed++) expect(await finalHash(spec, 2, 12, seed)).toBe(reference);
  });
});

describe("everything killed at once", () => {
  it("goes on from the newest periodic checkpoint to the same bits", async () => {
    const spec = smallSpec({ steps: 9, checkpointEverySteps: 2 });
    const reference = await finalHash(spec, 1, 1, 1);
    for (let seed = 0; seed < 4; seed++) {
      const before = createCluster({ spec, shards: 1 + (seed % 3), expectedWorkers: 2, rows, seed });
      before.addWorker("a");
      before.addWorker("b");
      await before.runUntil(() => before.coordinator.snapshot().step >= 5 + (seed % 3));
      // Nothing of it goes on: its clock stands still from here.
      const resume = await before.store.latestCheckpoint();
      if (!resume) throw new Error("no checkpoint");
      expect(resume.version % 2).toBe(0);
      const after = createCluster({ spec, shards: 1, expectedWorkers: 2, rows, seed, resume });
      after.addWorker("a");
      after.addWorker("b");
      expect((await after.finish()).hash, `from ${resume.version}, seed ${seed}`).toBe(reference);
    }
  });
});
