import { maximalNodes } from "@latentweave/aggregation";
import { loadArithmetic } from "@latentweave/arithmetic";
import { createLayout, ownership } from "@latentweave/parameters";
import { lastStep, planStep, type RunSpec, totalSteps } from "@latentweave/plan";
import type { CheckpointSource, CommitRecord, MessageOf, ReceivedNodes } from "@latentweave/protocol";
import { createPlainCompute, randomRows, smallClasses, smallSpec, smallWidth } from "@latentweave/simulator";
import { createRowSource } from "@latentweave/worker-engine";
import { describe, expect, it } from "vitest";
import { beginReplay, type Replay } from "./replay-steps.ts";

/** More than one block, so that shards have something to share; clipping, so that they must agree on a norm. */
const spec: RunSpec = smallSpec({
  steps: 5,
  hidden: 1500,
  clipNorm: 0.5,
  combiner: { name: "mean", options: {} },
});
const layout = createLayout(spec.groups);

async function open(
  from?: CheckpointSource,
  combiner?: string,
  of: RunSpec = spec,
  compute = createPlainCompute(),
): Promise<Replay> {
  await compute.load({
    layout,
    phases: spec.phases.map(({ name, graphs }) => ({ name, tasks: graphs })),
    seed: spec.seed,
  });
  const source = createRowSource(of, async (task) => randomRows(smallWidth, smallClasses)(task));
  return await beginReplay(
    { runId: "r", spec: of, layout, arithmetic: loadArithmetic(), compute, source },
    from,
    combiner,
  );
}

/** What might have been recorded of a step: slots cut anywhere, another cut for each shard. */
function commitOf(step: number, shards: number): CommitRecord {
  const plan = planStep(spec, step);
  const owned = ownership(layout, shards);
  const nodesOf = (slots: number, shard: number): ReceivedNodes => {
    const cut = (step + shard) % slots;
    return [...maximalNodes(0, cut, slots), ...maximalNodes(cut, slots, slots)].map(({ level, index }) => [
      ...([level, index, `w${index % 2}`, "0".repeat(16)] as const),
    ]);
  };
  return {
    ...{ step, version: step, timeline: 0, phase: "", digest: "", shards },
    tasks: plan.rounds.flatMap((round) =>
      round.tasks.map(({ task, slots, samples }) => ({
        ...{ task, round: round.index, slots, samples, metrics: {} },
        shards: (round.update ? owned : owned.slice(0, 1)).map((_, index) => ({
          index,
          nodes: nodesOf(slots, index),
        })),
      })),
    ),
    ...{ learningRate: 0, gradientNorm: null, duplicates: 0 },
  };
}

/** A commit that says what was computed. */
function recordedAs(commit: CommitRecord, computed: MessageOf<"committed">): CommitRecord {
  const { version, tasks, learningRate, gradientNorm } = computed;
  return { ...commit, version, tasks, learningRate, gradientNorm };
}

async function run(shards: number): Promise<{ commits: CommitRecord[]; digests: string[] }> {
  const replay = await open();
  const [commits, digests]: [CommitRecord[], string[]] = [[], [replay.digest()]];
  for (let step = 0; step <= lastStep(spec); step++) {
    const commit = commitOf(step, shards);
    const done = await replay.step(commit);
    commits.push(recordedAs(commit, done.record));
    digests.push(done.digest);
  }
  return { commits, digests };
}

const alone = run(1);
const three = run(3);

describe("steps computed again", () => {
  it("come to the same weights however they were cut and shared out", async () => {
    const { digests } = await alone;
    expect((await three).digests).toEqual(digests);
    expect(new Set(digests).size).toBe(totalSteps(spec) + 1);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["one shard", alone],
    ["three shards", three],
  ])("have no fault when they were recorded by %s, and count what they did", async (_, recorded) => {
    const replay = await open();
    for (const commit of (await recorded).commits) {
      const { faults, microBatches, nodes } = await replay.step(commit);
      expect(faults).toEqual([]);
      expect(microBatches).toBe(commit.tasks.reduce((sum, { slots }) => sum + slots, 0));
      expect(nodes).toBe(commit.tasks.flatMap((task) => task.shards.flatMap((shard) => shard.nodes)).length);
    }
  });

  it("go on when the number of shards changes in the middle of the run", async () => {
    const [one, other] = [await alone, await three];
    const replay = await open();
    for (const step of [0, 1, 2, 3, 4]) {
      const { faults, digest } = await replay.step((step % 2 === 0 ? one : other).commits[step]!);
      expect(faults).toEqual([]);
      expect(digest).toBe(one.digests[step + 1]);
    }
  });

  it("say which sum is not what was recorded, and who had sent it", async () => {
    const { commits } = await three;
    const commit = structuredClone(commits[0]!);
    const node = commit.tasks[1]!.shards[2]!.nodes[0]!;
    const right = node[3];
    node[3] = "f".repeat(16);
    const { faults } = await (await open()).step(commit);
    expect(faults).toEqual([
      `task "second", round 0, shard 2: node ${node[0]}:${node[1]} came from ${node[2]} with the digest ffffffffffffffff, computed is ${right}`,
    ]);
  });

  it("say which metric and which norm is not what was recorded", async () => {
    const commit = structuredClone((await three).commits[0]!);
    commit.tasks[0]!.metrics.loss = 1;
    const { faults } = await (await open()).step({ ...commit, gradientNorm: 2 });
    expect(faults).toEqual([
      expect.stringMatching(/^gradientNorm 2 recorded, [\d.]+ computed$/),
      expect.stringMatching(/^task "first", round 0: metrics .* recorded, .* computed$/),
    ]);
  });

  it("leave out a task whose numbers are not finite, as the run did, and say where the record does otherwise", async () => {
    const pausing: RunSpec = { ...spec, pauseNotFinite: { retryAfterSteps: 2 } };
    const plain = createPlainCompute();
    const compute: typeof plain = {
      ...plain,
      async run(batch) {
        const result = await plain.run(batch);
        if (batch.program !== "gradient" || batch.task !== "first" || batch.step !== 1) return result;
        return { ...result, gradients: result.gradients.map((one) => one.fill(Number.NaN)) };
      },
    };
    const again = async (shards: number) => {
      const replay = await open(undefined, undefined, pausing, compute);
      const steps = [];
      for (const step of [0, 1, 2, 3]) steps.push(await replay.step(commitOf(step, shards)));
      return steps;
    };
    const [one, three] = [await again(1), await again(3)];
    expect(three.map(({ digest }) => digest)).toEqual(one.map(({ digest }) => digest));
    const pause = { task: "first", since: 1, until: 3, why: "its gradient holds NaN or infinity" };
    expect(one.map(({ record }) => record.paused)).toEqual([undefined, [pause], [pause], undefined]);
    expect(one[1]?.faults).toContain(`paused tasks [] recorded, ${JSON.stringify([pause])} computed`);
  });

  it("cannot be computed from a record in which something is missing", async () => {
    const commit = structuredClone((await three).commits[0]!);
    commit.tasks[0]!.shards[1]!.nodes.pop();
    await expect((await open()).step(commit)).rejects.toThrow("step 0 cannot be computed again");
  });
});
