/** Optimisers of tensors: the same bits on every cluster, from a checkpoint, and when computed again. */
import path from "node:path";
import { expect, test } from "vitest";
import { run } from "./command.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, finish, startTraining } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
const steps = 60;
const adam = { kind: "adam", learningRate: 0.02, beta1: 0.5 };
const momentum = { kind: "momentum", learningRate: 0.05 };

function jobOf(more: object): string {
  return writeJob(folder, {
    ...smallJob({ steps, task: { slots: 4 } }),
    ...{ schedule: { kind: "cosine", warmupSteps: 5 }, checkpoints: { everySteps: 7 }, clipNorm: 1 },
    ...more,
  });
}

async function hashOf(job: string, runId: string, flags: readonly string[], env = {}): Promise<string> {
  return (await finish(startTraining(runs, runId, [job, ...flags], { env }))).hash;
}

test("two optimisers have one hash on every cluster, interrupted and resumed too, and the record proves it", async () => {
  const own = { optimiser: { kind: "sgd", learningRate: 0.05 }, rates: { "*/bias": 0.5 } };
  const plain = await hashOf(jobOf(own), "plain", ["--workers", "1"]);
  const job = jobOf({ ...own, optimisers: { "table/*": adam, "*/decoder/*": momentum } });
  const alone = await hashOf(job, "one", ["--workers", "1"]);
  expect(alone).not.toBe(plain);
  const env = { LATENTWEAVE_PROGRAMS: "off" };
  expect(await hashOf(job, "three", ["--workers", "3", "--shards", "2"], env)).toBe(alone);

  const training = startTraining(runs, "halves", [job, "--workers", "2", "--shards", "2"]);
  await committed(training, 10);
  training.signal("SIGINT");
  await training.ended;
  expect(training.said.at(-1)).toMatchObject({ kind: "end", state: "interrupted" });
  expect((await finish(startTraining(runs, "halves", ["--resume"]))).hash).toBe(alone);

  const proof = await run(["verify", "three", "--runs", runs, "--recompute", `0..${steps - 1}`]);
  expect(proof.stderr + proof.stdout).toContain("proved");
});

test("an optimiser of every tensor is the job's optimiser, to the bit", async () => {
  const whole = await hashOf(jobOf({ optimiser: adam }), "whole", ["--workers", "1"]);
  const job = jobOf({ optimiser: momentum, optimisers: { "*": adam } });
  expect(await hashOf(job, "patterns", ["--workers", "2", "--shards", "2"])).toBe(whole);
});

test("an optimiser of no tensor is refused by its pattern", async () => {
  const wrong = await run(["train", jobOf({ optimisers: { "trunk/*": adam } }), "--runs", runs]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toContain('optimisers["trunk/*"]: fits no tensor that an optimiser updates');
});
