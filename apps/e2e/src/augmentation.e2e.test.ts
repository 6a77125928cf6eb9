/** Samples that are augmented: one hash, whatever happens to the cluster, and a record that proves it. */
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { otherNode } from "./other-nodes.ts";
import { writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { throttle } from "./throttle.ts";
import { committed, finish, startTraining, workerProcess } from "./training.ts";

const runs = temporaryFolder();
const augment = [
  { kind: "rotate", degrees: 15 },
  { kind: "scale", from: 0.9, to: 1.1 },
  { kind: "shift", pixels: 2 },
  { kind: "brightness", amount: 0.2 },
  { kind: "cutout", size: 6, rate: 0.5 },
];
const steps = 60;

/** Digits that come back and are told apart, from rows that are images to augmentation alone. */
function job(task: object): string {
  const folder = mkdtempSync(path.join(runs, "job-"));
  return writeJob(folder, {
    name: "augmented",
    tasks: {
      digits: {
        data: { dataset: "mnist", limit: 2000, split: { trainRows: 1000 } },
        input: [784],
        encoder: [
          { kind: "dense", units: 32, activation: "relu" },
          { kind: "dense", units: 16 },
        ],
        decoder: [{ kind: "dense", units: 784, activation: "sigmoid" }],
        heads: { digit: { kind: "classification" } },
        microBatch: 16,
        slots: 6,
        ...task,
      },
    },
    steps,
    seed: 7,
    evaluate: { everySteps: 30 },
  });
}

describe("digits that are turned, moved and cut", () => {
  const file = job({ augment });
  let alone: string;
  beforeAll(async () => {
    alone = (await finish(startTraining(runs, "alone", [file, "--workers", "1"]))).hash;
  });

  test("give other weights than digits as they are", async () => {
    const plain = await finish(startTraining(runs, "plain", [job({}), "--workers", "1"]));
    expect(plain.hash).not.toBe(alone);
  });

  test("give the same weights with 3 workers and 2 shards of which a worker is killed", async () => {
    const training = startTraining(runs, "killed", [file, "--workers", "3", "--shards", "2"]);
    const victim = await workerProcess(training, "worker-1");
    await committed(training, 3);
    // Slow enough to be killed while it has micro-batches in hand.
    const release = throttle(victim, 0.1);
    await committed(training, 5);
    process.kill(victim, "SIGKILL");
    release();
    const end = await finish(training);
    expect(end.hash).toBe(alone);
    expect(end.mostWorkers).toBe(3);
    expect(await leftBehind(training.mark)).toEqual([]);
  });

  test("give the same weights through sockets, operation by operation", async () => {
    const env = { LATENTWEAVE_PROGRAMS: "off", LATENTWEAVE_SHARED_MEMORY: "off" };
    const training = startTraining(runs, "one-by-one", [file, "--workers", "2"], { env });
    expect((await finish(training)).hash).toBe(alone);
  });

  test("are proved from the record of the run whose worker was killed", async () => {
    const flags = ["--recompute", `0..${steps - 1}`, "--runs", runs];
    const proof = await run(["verify", "killed", ...flags]);
    expect(proof.stdout).toMatch(/^proved: steps 0 to 59/m);
    expect(proof.code).toBe(0);
  });

  test("give the same weights in another version of Node.js", async () => {
    const training = startTraining(runs, "node-24", [file, "--workers", "1"], { node: otherNode(24) });
    expect((await finish(training)).hash).toBe(alone);
  });
});
