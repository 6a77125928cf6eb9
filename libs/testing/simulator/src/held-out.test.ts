import type { Compute } from "@latentweave/model";
import { createLayout } from "@latentweave/parameters";
import { heldOutLoss, planStep, type RunSpec } from "@latentweave/plan";
import type { CheckpointSource } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createPlainCompute } from "./plain-compute.ts";
import { checkpointAt, smallCluster } from "./small-cluster.ts";
import { smallSpec } from "./small-job.ts";

type Store = ReturnType<typeof smallCluster>["store"];

/** Held-out losses by step, as the record has them. */
function losses(spec: RunSpec, store: Store): Map<number, number> {
  return new Map(
    store.commits.flatMap(({ step, tasks }) => {
      const loss = heldOutLoss(spec, planStep(spec, step), tasks);
      return loss === undefined ? [] : [[step, loss] as const];
    }),
  );
}

describe("a run that ends when its held-out losses fall no further", () => {
  /** So fast that it soon overshoots. */
  const spec = smallSpec({
    steps: 60,
    optimiser: { kind: "sgd", learningRate: 1.5 },
    evaluation: { everySteps: 2, split: "validation", microBatch: 8 },
    stopEarly: { patience: 3, minDelta: 0 },
  });

  it("ends with the same step and the same bits on any cluster, and has a checkpoint of its end", async () => {
    const ends = [];
    for (const [workers, shards] of [
      [1, 1],
      [2, 2],
      [3, 2],
    ] as const) {
      const cluster = smallCluster(spec, workers, shards);
      const outcome = await cluster.finish();
      expect(outcome.state).toBe("finished");
      expect((await cluster.store.latestCheckpoint())?.version).toBe(outcome.version);
      ends.push(`${outcome.version} ${outcome.hash}`);
      const seen = [...losses(spec, cluster.store).values()];
      expect(outcome.version).toBe(cluster.store.commits.length);
      expect(outcome.version).toBeLessThan(60);
      const least = seen.indexOf(Math.min(...seen));
      expect(seen.length - 1 - least, "evaluations after the best").toBe(3);
      expect(cluster.coordinator.snapshot().events.map(({ text }) => text)).toContainEqual(
        expect.stringContaining("the run ends early"),
      );
    }
    expect(new Set(ends).size).toBe(1);
  });

  it("comes to the same end when it is interrupted on the way, and is over when it is resumed from its end", async () => {
    const whole = smallCluster(spec, 1, 1);
    const { hash, version } = await whole.finish();
    const before = smallCluster(spec, 2, 2);
    const resume = await checkpointAt(before, version - 3);
    expect(resume.version).toBeLessThan(version);
    expect(await smallCluster(spec, 1, 2, { resume }).finish()).toMatchObject({
      state: "finished",
      hash,
      version,
    });
    const end = (await whole.store.latestCheckpoint()) as CheckpointSource;
    expect(await smallCluster(spec, 1, 2, { resume: end }).finish()).toMatchObject({
      state: "finished",
      hash,
    });
  });

  it("takes all of its steps where the losses go on falling", async () => {
    const falling = smallSpec({
      steps: 8,
      evaluation: spec.evaluation,
      stopEarly: { patience: 1, minDelta: 0 },
    });
    const cluster = smallCluster(falling, 2, 1);
    expect(await cluster.finish()).toMatchObject({ state: "finished", version: 8 });
    expect(cluster.store.commits.at(-1)?.step).toBe(8);
  });
});

describe("the best checkpoint", () => {
  it("is marked when its version is evaluated, and there is one of every version that is", async () => {
    const spec = smallSpec({
      steps: 12,
      optimiser: { kind: "sgd", learningRate: 1.5 },
      evaluation: { everySteps: 3, split: "validation", microBatch: 8 },
      keepBest: true,
    });
    const marks = new Set<string>();
    for (const shards of [1, 2]) {
      const cluster = smallCluster(spec, 2, shards);
      await cluster.finish();
      const { store } = cluster;
      expect([...store.hashes.keys()].sort((a, b) => a - b)).toEqual([3, 6, 9, 12]);
      const seen = losses(spec, store);
      const least = Math.min(...seen.values());
      expect(store.best?.loss).toBe(least);
      expect(seen.get(store.best?.version ?? -1)).toBe(least);
      marks.add(JSON.stringify(store.best));
    }
    expect(marks.size).toBe(1);
  });

  it("is never one whose losses are not finite", async () => {
    const spec = smallSpec({ steps: 4, keepBest: true, pauseNotFinite: { retryAfterSteps: 0 } });
    const computeOf = (): Compute => {
      const compute = createPlainCompute();
      return {
        ...compute,
        async run(batch) {
          const result = await compute.run(batch);
          const isOdd = batch.program === "evaluate" && batch.task === "second";
          return isOdd ? { ...result, metrics: result.metrics.map(() => Number.NaN) } : result;
        },
      };
    };
    const cluster = smallCluster(spec, 1, 1, { computeOf });
    expect((await cluster.finish()).state).toBe("finished");
    expect(cluster.store.best).toBeUndefined();
  });
});

describe("the moving average of the weights", () => {
  const decay = 0.75;
  const spec = smallSpec({ steps: 5, average: { decay }, checkpointEverySteps: 1 });
  const layout = createLayout(spec.groups);

  const section = async (store: Store, version: number, name: string): Promise<number[]> => {
    const source = (await store.latestCheckpoint(version)) as CheckpointSource;
    expect(source.version).toBe(version);
    const parts = [];
    for (const { index, numbers } of layout.groups) {
      const bytes = (await source.read(name, { group: index, start: 0, numbers })).slice();
      parts.push(...new Float32Array(bytes.buffer));
    }
    return parts;
  };

  it("is decay times itself and the rest the new weights, and changes none of them", async () => {
    const cluster = smallCluster(spec, 2, 2);
    const { hash } = await cluster.finish();
    const { store } = cluster;
    const { average: _, ...plain } = spec;
    expect(hash).toBe((await smallCluster(plain, 1, 1).finish()).hash);
    for (const version of [2, 3, 4, 5]) {
      const before = await section(store, version - 1, "average");
      const weights = await section(store, version, "parameters");
      const after = await section(store, version, "average");
      for (const [at, value] of after.entries())
        expect(value).toBeCloseTo(decay * (before[at] as number) + (1 - decay) * (weights[at] as number), 6);
    }
  });

  it("begins with the first weights, and is the same bits on any cluster and from a checkpoint", async () => {
    const reference = smallCluster(spec, 1, 1);
    await reference.finish();
    const expected = await section(reference.store, 5, "average");
    const first = await section(reference.store, 1, "average");
    expect(first.some((value) => value !== 0)).toBe(true);
    const other = smallCluster(spec, 3, 2);
    await other.finish();
    expect(await section(other.store, 5, "average")).toEqual(expected);
    const resume = (await other.store.latestCheckpoint(2)) as CheckpointSource;
    const resumed = smallCluster(spec, 1, 3, { resume });
    await resumed.finish();
    expect(await section(resumed.store, 5, "average")).toEqual(expected);
  });
});
