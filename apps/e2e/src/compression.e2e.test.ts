/** Compression on real processes: the bits are the job's own, however what is rounded travels, and fewer bytes do. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { processOf } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining, workerProcess } from "./training.ts";

const runs = temporaryFolder();
const steps = 20;
const base = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7"],
  ...["--set", "evaluate.everySteps=10", "--set", "checkpoints.everySteps=8"],
];
const withCompression = (compression: object): string[] => [
  ...base,
  ...["--set", `compression=${JSON.stringify(compression)}`],
];
/** Everything through sockets, as between hosts. */
const bySocket = { env: { LATENTWEAVE_SHARED_MEMORY: "off" } };

interface Row {
  readonly process: string;
  readonly step: number;
  readonly pushedBytes?: number;
  readonly broadcastBytes?: number;
  readonly cosine?: number;
  readonly codec?: string;
}

function rowsOf(runId: string): Row[] {
  const text = readFileSync(path.join(runs, runId, "metrics", "workers.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
}

/** Bytes that the shards got and sent in steps that only train, not the first ones. */
function bytesOf(runId: string): { readonly pushed: number; readonly broadcast: number } {
  const rows = rowsOf(runId).filter(({ step }) => step >= 2 && step % 10 !== 0 && step < steps - 1);
  const sum = (field: "pushedBytes" | "broadcastBytes"): number =>
    rows.reduce((so, row) => so + (row[field] ?? 0), 0);
  return { pushed: sum("pushedBytes"), broadcast: sum("broadcastBytes") };
}

describe("int8 both ways", () => {
  const job = withCompression({ push: { codec: "int8" }, broadcast: { codec: "int8" } });
  let alone: string;

  beforeAll(async () => {
    const training = startTraining(runs, "alone", [...job, "--workers", "1"]);
    ({ hash: alone } = await finish(training));
    expect(await leftBehind(training.mark)).toEqual([]);
  });

  test.each([
    ["2 workers and 2 shards", ["--workers", "2", "--shards", "2"], {}],
    ["3 workers, by sockets", ["--workers", "3"], bySocket],
    ["2 workers with shards beside them", ["--workers", "2", "--set", "launcher.placement=beside"], {}],
  ])("%s", async (name, more, options) => {
    const runId = name.replaceAll(/[ ,]+/g, "-");
    expect((await finish(startTraining(runs, runId, [...job, ...more], options))).hash).toBe(alone);
  });

  test("a worker and a shard killed on the way, by sockets", async () => {
    const training = startTraining(runs, "killed", [...job, "--workers", "2", "--shards", "2"], bySocket);
    const worker = await workerProcess(training, "worker-1");
    await committed(training, 4);
    process.kill(worker, "SIGKILL");
    await committed(training, 8);
    process.kill(processOf(training.mark, "shard-0"), "SIGKILL");
    expect((await finish(training)).hash).toBe(alone);
    expect(await leftBehind(training.mark)).toEqual([]);
  });

  test("`latentweave verify` proves the record", async () => {
    const proof = await run(["verify", "killed", "--recompute", `0..${steps - 1}`, "--runs", runs]);
    expect(proof.stdout).toMatch(/^consistent$/m);
    expect(proof.stdout).toMatch(/^proved: steps 0 to 19/m);
    expect(proof.code).toBe(0);
  });

  test("a quarter of the bytes, and sums and changes that point where the exact ones do", async () => {
    const flags = ["--workers", "2"];
    await finish(startTraining(runs, "plain", [...base, ...flags], bySocket));
    expect((await finish(startTraining(runs, "int8", [...job, ...flags], bySocket))).hash).toBe(alone);
    const [plain, int8] = [bytesOf("plain"), bytesOf("int8")];
    expect(plain.pushed / int8.pushed).toBeGreaterThan(3.9);
    expect(plain.broadcast / int8.broadcast).toBeGreaterThan(3.9);
    const measured = rowsOf("int8").filter(({ cosine }) => cosine !== undefined);
    expect(new Set(measured.map(({ process }) => process))).toEqual(
      new Set(["worker-0", "worker-1", "shard-0"]),
    );
    for (const { cosine } of measured) expect(cosine).toBeGreaterThan(0.99);
  });
});

test("int8 on one level of the tree, which leases split: one hash for 1 and 3 workers", async () => {
  const job = withCompression({ push: { codec: "int8", level: 1 }, broadcast: { codec: "bf16" } });
  const { hash } = await finish(startTraining(runs, "level-alone", [...job, "--workers", "1"]));
  const flags = ["--workers", "3", "--shards", "2"];
  expect((await finish(startTraining(runs, "level-three", [...job, ...flags], bySocket))).hash).toBe(hash);
});

test("int8 both ways in diloco: one hash for 1 and 2 workers, proved", async () => {
  const job = [
    ...withCompression({ push: { codec: "int8" }, broadcast: { codec: "int8" } }),
    ...["--steps", "4", "--set", 'mode={"kind":"diloco","innerSteps":6}', "--set", "combiner=mean"],
    ...["--set", "schedule.warmupSteps=0"],
  ];
  const { hash } = await finish(startTraining(runs, "outer-alone", [...job, "--workers", "1"]));
  const two = startTraining(runs, "outer-two", [...job, "--workers", "2", "--shards", "2"], bySocket);
  expect((await finish(two)).hash).toBe(hash);
  const proof = await run(["verify", "outer-two", "--recompute", "0..3", "--runs", runs]);
  expect(proof.stdout).toMatch(/^proved: steps 0 to 3/m);
});

describe("top-k of the change", () => {
  const job = withCompression({ push: { codec: "int8" }, broadcast: { codec: "topk", share: 0.05 } });

  test("one hash for 1 worker, and for 3 with 2 shards of which one is killed: what is owed outlives it", async () => {
    const { hash } = await finish(startTraining(runs, "owed-alone", [...job, "--workers", "1"]));
    const flags = ["--workers", "3", "--shards", "2"];
    const training = startTraining(runs, "owed-three", [...job, ...flags], bySocket);
    await committed(training, 6);
    process.kill(processOf(training.mark, "shard-1"), "SIGKILL");
    expect((await finish(training)).hash).toBe(hash);
    expect(await leftBehind(training.mark)).toEqual([]);
  });

  test("is proved from a checkpoint, which has what is owed", async () => {
    const proof = await run(["verify", "owed-three", "--recompute", "9..15", "--runs", runs]);
    expect(proof.stdout).toMatch(/^proved: steps 9 to 15/m);
  });
});

describe("top-k both ways, with the job's word", () => {
  const job = withCompression({
    push: { codec: "topk", share: 0.05 },
    broadcast: { codec: "topk", share: 0.05 },
    sameBits: false,
  });

  test("every micro-batch once, through a killed worker and a killed shard, and it says what is given up", async () => {
    const training = startTraining(runs, "topk", [...job, "--workers", "2", "--shards", "2"], bySocket);
    const worker = await workerProcess(training, "worker-1");
    await committed(training, 4);
    process.kill(worker, "SIGKILL");
    await committed(training, 8);
    process.kill(processOf(training.mark, "shard-0"), "SIGKILL");
    await finish(training);
    expect(await leftBehind(training.mark)).toEqual([]);
    const state = JSON.parse(readFileSync(path.join(runs, "topk", "run.json"), "utf8")) as unknown;
    expect(state).toMatchObject({ state: "finished", sameBits: false });
    const ledger = readFileSync(path.join(runs, "topk", "ledger", "commits.jsonl"), "utf8");
    expect(ledger.split("\n")[0]).toContain('"sameBits":false');
    const events = readFileSync(path.join(runs, "topk", "metrics", "events.jsonl"), "utf8");
    expect(events).toMatch(/given the same bits up/);
  });

  test("`latentweave verify` says consistent, and refuses to compute anything again", async () => {
    const found = await run(["verify", "topk", "--runs", runs]);
    expect(found.stdout).toMatch(/^same bits +given up by the job/m);
    expect(found.stdout).toMatch(/^consistent$/m);
    expect(found.code).toBe(0);
    const again = await run(["verify", "topk", "--recompute", "3", "--runs", runs]);
    expect(again.code).not.toBe(0);
    expect(again.stderr).toMatch(/given the same bits up.*no step can be computed again/s);
  });

  test("a tenth of the bytes, and what is sent points where the exact sums do", async () => {
    await finish(startTraining(runs, "topk-quiet", [...job, "--workers", "2"], bySocket));
    await finish(startTraining(runs, "plain-beside", [...base, "--workers", "2"], bySocket));
    const [plain, topk] = [bytesOf("plain-beside"), bytesOf("topk-quiet")];
    expect(plain.pushed / topk.pushed).toBeGreaterThan(10);
    expect(plain.broadcast / topk.broadcast).toBeGreaterThan(10);
    const measured = rowsOf("topk-quiet").filter(({ cosine }) => cosine !== undefined);
    expect(new Set(measured.map(({ process }) => process))).toEqual(
      new Set(["worker-0", "worker-1", "shard-0"]),
    );
    for (const { cosine } of measured) expect(cosine).toBeGreaterThan(0.1);
  });
});

test("without the job's word top-k pushes are refused, and the word is named", async () => {
  const job = withCompression({ push: { codec: "topk" } });
  const refused = await run(["train", ...job, "--runs", runs]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/compression\.push\.codec.*sameBits: false/s);
});

test("a choice that is made on the way sends whole what fits into socket buffers, and says so", async () => {
  const job = withCompression({ auto: true, sameBits: false });
  await finish(startTraining(runs, "auto", [...job, "--workers", "2", "--shards", "2"], bySocket));
  const codecs = rowsOf("auto").flatMap(({ process: name, codec }) => (codec ? [`${name} ${codec}`] : []));
  const senders = ["shard-0", "shard-1", "worker-0", "worker-1"];
  expect(new Set(codecs)).toEqual(new Set(senders.map((name) => `${name} whole`)));
  const found = await run(["verify", "auto", "--runs", runs]);
  expect(found.stdout).toMatch(/^consistent$/m);
});
