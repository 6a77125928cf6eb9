/** DiLoCo on real processes: the bits are the job's own, and every planned micro-batch is in the record once. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { throttle } from "./throttle.ts";
import { committed, exampleJob, finish, startTraining, workerProcess } from "./training.ts";

const runs = temporaryFolder();
const [steps, innerSteps, microBatch, slots] = [6, 8, 32, 4];
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7"],
  ...["--set", `mode={"kind":"diloco","innerSteps":${innerSteps}}`, "--set", "combiner=mean"],
  ...["--set", "evaluate.everySteps=3", "--set", "schedule.warmupSteps=0"],
];

interface Commit {
  readonly kind: string;
  readonly step: number;
  readonly tasks: readonly {
    readonly task: string;
    readonly samples: number;
    readonly slots: number;
    readonly metrics: Readonly<Record<string, number>>;
    readonly shards: readonly { readonly nodes: readonly (readonly [number, number, string, string])[] }[];
  }[];
}

function commitsOf(runId: string): Commit[] {
  const text = readFileSync(path.join(runs, runId, "ledger", "commits.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { record: Commit }).record)
    .filter(({ kind }) => kind === "commit");
}

/** Each slot of each task under exactly one node of every shard, with as many samples as planned. */
function expectEverythingOnce(commits: readonly Commit[]): void {
  expect(commits.map(({ step }) => step)).toEqual(Array.from({ length: steps + 1 }, (_, step) => step));
  for (const { tasks } of commits.slice(0, steps))
    for (const task of tasks.slice(-2)) {
      expect(task.samples).toBe(slots * innerSteps * microBatch);
      expect(task.metrics.samples ?? task.samples).toBe(task.samples);
      for (const { nodes } of task.shards) {
        const covered = nodes.flatMap(([level, index]) =>
          Array.from({ length: 2 ** level }, (_, place) => index * 2 ** level + place),
        );
        expect(covered.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
      }
    }
}

describe("diloco, 6 outer steps of 8 inner ones", () => {
  let alone: string;

  beforeAll(async () => {
    const training = startTraining(runs, "alone", [...job, "--workers", "1"]);
    ({ hash: alone } = await finish(training));
    expect(await leftBehind(training.mark)).toEqual([]);
    expectEverythingOnce(commitsOf("alone"));
  });

  test("the reconstruction gets better", () => {
    const losses = commitsOf("alone")
      .slice(0, steps)
      .map(({ tasks }) => (tasks.at(-1)?.metrics.loss ?? Number.NaN) / (tasks.at(-1)?.samples ?? 1));
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
  });

  test("`latentweave verify` proves the record", async () => {
    const proof = await run(["verify", "alone", "--recompute", `0..${steps - 1}`, "--runs", runs]);
    expect(proof.stdout).toMatch(/^consistent$/m);
    const micro = steps * slots * innerSteps * 2;
    expect(proof.stdout).toMatch(new RegExp(`^recomputed.* ${micro + 80} micro-batches`, "m"));
    expect(proof.stdout).toMatch(/^proved: steps 0 to 5/m);
    expect(proof.code).toBe(0);
  });

  test("3 workers and 2 shards", async () => {
    const training = startTraining(runs, "three", [...job, "--workers", "3", "--shards", "2"]);
    expect((await finish(training)).hash).toBe(alone);
    expectEverythingOnce(commitsOf("three"));
  });

  test("a worker killed while the other waits for its replicas", async () => {
    const training = startTraining(runs, "killed", [...job, "--workers", "2", "--shards", "2"]);
    const victim = await workerProcess(training, "worker-1");
    await committed(training, 2);
    // Slow enough to be killed while it has a replica in hand.
    const release = throttle(victim, 0.1);
    await committed(training, 3);
    process.kill(victim, "SIGKILL");
    release();
    expect((await finish(training)).hash).toBe(alone);
    expectEverythingOnce(commitsOf("killed"));
    expect(await leftBehind(training.mark)).toEqual([]);
  });
});
