/** One job, one seed: one hash, whatever the cluster looks like. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run, start } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { otherNode } from "./other-nodes.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { throttle } from "./throttle.ts";
import { addressOf, committed, exampleJob, finish, startTraining, workerProcess } from "./training.ts";

const runs = temporaryFolder();
const flags = (example: string, steps: number) => [
  ...[exampleJob(example), "--steps", String(steps), "--seed", "7"],
  ...["--set", "evaluate.everySteps=0"],
];

describe("digits and fashion, 30 steps", () => {
  const job = flags("digits-and-fashion", 30);
  let alone: string;

  beforeAll(async () => {
    const training = startTraining(runs, "alone", [...job, "--workers", "1"]);
    ({ hash: alone } = await finish(training));
    expect(await leftBehind(training.mark)).toEqual([]);
  });

  test("`latentweave hash` prints what the run said, and inspects the same parameters", async () => {
    const hash = await run(["hash", "alone", "--runs", runs]);
    expect(hash).toMatchObject({ code: 0, stdout: `${alone}\n`, stderr: "" });
    expect(alone).toMatch(/^[0-9a-f]{64}$/);
  });

  test("another seed gives other bits", async () => {
    const other = startTraining(runs, "seed", [...job, "--seed", "8", "--workers", "2"]);
    expect((await finish(other)).hash).not.toBe(alone);
  });

  test.each([
    ["2 workers", ["--workers", "2"], 2],
    ["4 workers", ["--workers", "4"], 4],
    ["2 shards", ["--workers", "1", "--shards", "2"], 1],
    ["3 workers with a shard beside each", ["--workers", "3", "--placement", "beside"], 3],
    [
      "3 workers and one shard beside the first",
      ["--workers", "3", "--shards", "1", "--placement", "beside"],
      3,
    ],
  ])("%s", async (name, more, workers) => {
    const training = startTraining(runs, name.replaceAll(" ", "-"), [...job, ...more]);
    const end = await finish(training);
    expect(end.hash).toBe(alone);
    expect(end.mostWorkers).toBe(workers);
    expect(await leftBehind(training.mark)).toEqual([]);
  });

  test("tensors through sockets, where memory cannot be shared, sums in WebAssembly, operations one by one", async () => {
    const off = { LATENTWEAVE_SHARED_MEMORY: "off", LATENTWEAVE_KERNELS: "off" };
    const env = { ...off, LATENTWEAVE_PROGRAMS: "off" };
    const flags = [...job, "--workers", "2", "--shards", "2"];
    expect((await finish(startTraining(runs, "sockets", flags, { env }))).hash).toBe(alone);
  });

  test("6 workers that send through sockets as they are asked, in portions, of which one is killed", async () => {
    const env = { LATENTWEAVE_SHARED_MEMORY: "off" };
    const training = startTraining(runs, "asked", [...job, "--workers", "6"], { env });
    const worker = await workerProcess(training, "worker-3");
    await committed(training, 8);
    process.kill(worker, "SIGKILL");
    const end = await finish(training);
    expect(end.hash).toBe(alone);
    expect(end.mostWorkers).toBe(6);
    const proof = await run(["verify", "asked", "--recompute", "0..4", "--runs", runs]);
    expect(proof.code).toBe(0);
  });

  test("workers of one host read the weights where the shards have them, and others are sent them", () => {
    const sentAfter = (run: string, step: number): number[] =>
      readFileSync(path.join(runs, run, "metrics/workers.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { process: string; step: number; broadcastBytes?: number })
        .filter((row) => row.process.startsWith("shard") && row.step >= step)
        .map((row) => row.broadcastBytes ?? NaN);
    expect(sentAfter("3-workers-with-a-shard-beside-each", 10).every((bytes) => bytes === 0)).toBe(true);
    expect(sentAfter("2-workers", 10).every((bytes) => bytes === 0)).toBe(true);
    expect(sentAfter("sockets", 10).every((bytes) => bytes > 1_000_000)).toBe(true);
  });

  test("a worker that may run a fifth of the time", async () => {
    const training = startTraining(runs, "throttled", [...job, "--workers", "2"]);
    const release = throttle(await workerProcess(training, "worker-1"), 0.2);
    const end = await finish(training).finally(release);
    expect(end.hash).toBe(alone);
  });

  test("a worker that joins in the middle", async () => {
    const training = startTraining(runs, "joined", [...job, "--workers", "1"]);
    const address = await addressOf(training);
    const first = await workerProcess(training, "worker-0");
    await committed(training, 10);
    // Slow enough for the newcomer to find something left to do on a fast machine too.
    const release = throttle(first, 0.02);
    const joined = start(["join", address, "--worker-id", "newcomer"]);
    await training
      .waitFor("a second worker", (said) =>
        said.kind === "commit" && said.point.workers === 2 ? true : undefined,
      )
      .finally(release);
    const end = await finish(training);
    expect(end.hash).toBe(alone);
    expect(end.mostWorkers).toBe(2);
    expect((await joined.ended).code).toBe(0);
    expect(await leftBehind(joined.mark)).toEqual([]);
  });

  test.each([22, 24])("Node %i", async (major) => {
    const training = startTraining(runs, `node-${major}`, [...job, "--workers", "2"], {
      node: otherNode(major),
    });
    const end = await finish(training);
    expect(end.hash).toBe(alone);
    expect(end.stderr).not.toMatch(/warning/i);
  });
});

describe("the convolutional example, 4 steps", () => {
  const job = flags("convolutional", 4);

  test("1 worker, 2 workers and 2 shards, and Node 24", async () => {
    const hashes: string[] = [];
    const clusters = [
      { id: "conv-1", more: ["--workers", "1"], options: {} },
      { id: "conv-2", more: ["--workers", "2", "--shards", "2"], options: {} },
      { id: "conv-24", more: ["--workers", "1"], options: { node: otherNode(24) } },
    ];
    for (const { id, more, options } of clusters)
      hashes.push((await finish(startTraining(runs, id, [...job, ...more], options))).hash);
    expect(new Set(hashes).size).toBe(1);
  });
});
