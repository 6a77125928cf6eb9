import { loadArithmetic } from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import type { RobustSpec, RunSpec } from "@latentweave/plan";
import type { CheckpointSource } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { checkpointAt, smallCluster } from "./small-cluster.ts";
import { createPlainCompute } from "./plain-compute.ts";
import { smallSpec } from "./small-job.ts";

const rules: readonly RobustSpec[] = [
  { kind: "krum", byzantine: 1 },
  { kind: "multi-krum", byzantine: 1, select: null },
  { kind: "trimmed-mean", byzantine: 1 },
  { kind: "median" },
  { kind: "centred-clipping", radius: null, iterations: 3 },
];

/** Five slots a task, and groups of more than one block, so that shards have something to share. */
function specOf(robust: RobustSpec | undefined, change: Parameters<typeof smallSpec>[0] = {}): RunSpec {
  const spec = smallSpec({ steps: 3, hidden: 1500, clipNorm: 0.5, evaluation: null, ...change });
  return {
    ...spec,
    tasks: spec.tasks.map((task) => ({ ...task, slots: 5, microBatch: 2 })),
    ...(robust && { robust }),
  };
}

/** One micro-batch of each task yields what is a thousand times as much, and the other way. */
function wrongOnes(): Compute {
  const compute = createPlainCompute();
  return {
    ...compute,
    async run(batch) {
      const result = await compute.run(batch);
      if (batch.program !== "gradient" || batch.slot !== batch.step % 5) return result;
      return { ...result, gradients: result.gradients.map((one) => one.map((value) => -1000 * value)) };
    },
  };
}

function start(
  spec: RunSpec,
  workers: number,
  shards: number,
  options: { readonly resume?: CheckpointSource | undefined; readonly wrong?: boolean } = {},
) {
  return smallCluster(spec, workers, shards, {
    ...(options.resume && { resume: options.resume }),
    ...(options.wrong === true && { computeOf: wrongOnes }),
    arithmeticOf: loadArithmetic,
  });
}

async function hashOf(spec: RunSpec, workers: number, shards: number): Promise<string> {
  const outcome = await start(spec, workers, shards).finish();
  expect(outcome.state).toBe("finished");
  return outcome.hash as string;
}

const plain = await hashOf(specOf(undefined), 1, 1);

describe.each(rules)("with the rule $kind", (robust) => {
  it("a run has the same bits for any number of workers and shards, and from a checkpoint in the middle", async () => {
    const spec = specOf(robust, { combiner: { name: "pcgrad", options: {} } });
    const reference = await hashOf(spec, 1, 1);
    expect(reference, "the rule is used").not.toBe(plain);
    expect(await hashOf(spec, 2, 2), "2 workers, 2 shards").toBe(reference);
    expect(await hashOf(spec, 3, 1), "3 workers, 1 shard").toBe(reference);
    const resume = await checkpointAt(start(spec, 2, 2), 1);
    expect(await start(spec, 2, 1, { resume }).finish()).toMatchObject({ hash: reference });
  });

  it("a wrong micro-batch in each step does not keep the losses from falling, as it does without", async () => {
    const job = (rule?: RobustSpec): RunSpec =>
      specOf(rule, {
        ...{ steps: 25, hidden: 8, clipNorm: null },
        optimiser: { kind: "sgd", learningRate: 0.05 },
      });
    const losses = async (rule?: RobustSpec): Promise<number[]> => {
      const cluster = start({ ...job(rule) }, 1, 1, { wrong: true });
      const outcome = await cluster.finish();
      if (outcome.state !== "finished") return [0, Number.POSITIVE_INFINITY];
      return cluster.store.commits.map(({ tasks }) =>
        tasks.reduce((sum, { metrics, samples }) => sum + (metrics.loss as number) / samples, 0),
      );
    };
    const found = await losses(robust);
    expect(found.at(-1)).toBeLessThan(found[0] as number);
    const without = await losses();
    expect(without.at(-1)).toBeGreaterThan(without[0] as number);
  });
});

describe("contributions that stay apart", () => {
  it("are recorded one by one, each by its worker", async () => {
    const cluster = start(specOf({ kind: "median" }), 2, 2);
    await cluster.finish();
    for (const { tasks } of cluster.store.commits)
      for (const { shards, slots } of tasks)
        for (const { nodes } of shards) {
          expect(nodes.map(([level]) => level)).toEqual(nodes.map(() => 0));
          expect(nodes.map(([, index]) => index).sort()).toEqual(Array.from({ length: slots }, (_, i) => i));
        }
  });

  it("are trained with by a mode whose slots are replicas, too", async () => {
    const mode = {
      kind: "diloco",
      innerSteps: 2,
      outer: { learningRate: 0.7, momentum: 0.9 },
    } as const;
    const spec = specOf({ kind: "krum", byzantine: 1 }, { mode });
    expect(await hashOf(spec, 3, 2)).toBe(await hashOf(spec, 1, 1));
  });
});
