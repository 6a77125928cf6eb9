/** What can go wrong while a run is alive, or with what it left on disk. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { expectOneMessage } from "./one-message.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { addressOf, committed, exampleJob, finish, startTraining, type Training } from "./training.ts";

const folder = temporaryFolder();
const runs = path.join(folder, "runs");
const isRoot = process.getuid?.() === 0;

describe("a run that is asked for strange things", () => {
  let training: Training;
  let address: URL;
  let job: string;

  beforeAll(async () => {
    job = writeJob(folder, smallJob({ steps: 1_000_000 }));
    training = startTraining(runs, "long", [job]);
    address = new URL(await addressOf(training));
    await committed(training, 5);
  });

  afterAll(() => training.signal("SIGKILL"));

  const step = async () => {
    const status = (await (await fetch(new URL("/api/v1/run", address))).json()) as { step: number };
    return status.step;
  };

  const upgrade = [
    ...["GET /worker HTTP/1.1", `Host: 127.0.0.1`, "Connection: Upgrade", "Upgrade: websocket"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""],
  ].join("\r\n");

  test.each<[string, Uint8Array[]]>([
    ["garbage", [Buffer.alloc(65_536, 0xa7)]],
    ["garbage in a WebSocket", [Buffer.from(upgrade), Buffer.alloc(65_536, 0xa7)]],
    ["a frame of 2^62 bytes", [Buffer.from(upgrade), Buffer.from("82ff4000000000000000", "hex")]],
  ])("hangs up on %s, and goes on", async (_name, parts) => {
    const before = await step();
    const socket = net.connect(Number(address.port), address.hostname);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined).resume();
    for (const part of parts) {
      socket.write(part);
      await wait(50);
    }
    await closed;
    for (let i = 0; i < 100 && (await step()) <= before + 2; i++) await wait(50);
    expect(await step()).toBeGreaterThan(before + 2);
  });

  test("refuses a worker of another determinism class, and says which setting would admit it", async () => {
    const end = await run(["join", address.href, "--backend", "cpu"]);
    await expectOneMessage(end, 1, [/determinism class/, /backend native \(here cpu\)/]);
  });

  test("refuses a second run of the same name", async () => {
    const end = await run(["train", job, "--runs", runs, "--run-id", "long"]);
    await expectOneMessage(end, 1, [/long/, /--run-id/]);
  });

  test("ends with Ctrl-C, and does not go on with another job", async () => {
    training.signal("SIGINT");
    expect((await training.ended).code).toBe(130);
    expect(await leftBehind(training.mark)).toEqual([]);

    const changed = ["train", job, "--runs", runs, "--run-id", "long", "--resume", "--seed", "5"];
    await expectOneMessage(await run(changed), 1, [/seed was 0, is 5/]);
  });
});

describe("a damaged checkpoint", () => {
  let job: string;
  let hash: string;

  beforeAll(async () => {
    job = writeJob(folder, smallJob({ steps: 600, checkpoints: { everySteps: 100, keep: 3 } }));
    ({ hash } = await finish(startTraining(runs, "whole", [job])));
  });

  test.each([
    ["cut short", (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 9)],
    ["with one bit turned", (bytes: Uint8Array) => bytes.with(bytes.length - 5, (bytes.at(-5) ?? 0) ^ 1)],
  ])("%s is noticed", async (name, damage) => {
    const copies = path.join(folder, name.replaceAll(" ", "-"));
    cpSync(path.join(runs, "whole"), path.join(copies, "whole"), { recursive: true });
    const checkpoints = path.join(copies, "whole", "checkpoints");
    for (const checkpoint of readdirSync(checkpoints)) {
      const file = path.join(checkpoints, checkpoint, "parameters.safetensors");
      writeFileSync(file, damage(readFileSync(file)));
    }
    await expectOneMessage(await run(["hash", "whole", "--runs", copies]), 1, [
      /no checkpoint of this run is whole|damaged/,
      /parameters\.safetensors/,
    ]);
    expect((await run(["inspect", "whole", "--runs", copies])).stdout).toMatch(
      /damaged: parameters\.safetensors/,
    );
  });

  test("is passed over: the run goes on from the one before, to the same bits", async () => {
    const training = startTraining(runs, "torn", [job]);
    const checkpoints = path.join(runs, "torn", "checkpoints");
    // However far the steps are: on a busy disk what is written becomes whole long after its step.
    const whole = (): string[] => readdirSync(checkpoints).filter((name) => name.startsWith("step-"));
    await committed(training, 1);
    await vi.waitUntil(() => whole().length >= 2, { timeout: 120_000, interval: 5 });
    training.signal("SIGKILL");
    await training.ended;
    expect(await leftBehind(training.mark)).toEqual([]);
    const newest = whole().sort().at(-1) as string;
    const file = path.join(checkpoints, newest, "parameters.safetensors");
    writeFileSync(file, readFileSync(file).subarray(0, 100));

    expect((await finish(startTraining(runs, "torn", ["--resume"]))).hash).toBe(hash);
    const log = readFileSync(path.join(runs, "torn", "logs", "coordinator.log"), "utf8");
    expect(log).toMatch(new RegExp(`checkpoint ${newest} is passed over`));
  });
});

describe("nowhere to write", () => {
  test.runIf(isRoot)("a disk that fills up and stays full ends the run with a sentence", async () => {
    const disk = path.join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    try {
      const job = [exampleJob("digits-and-fashion"), "--steps", "3", "--workers", "1"];
      const flags = ["--set", "evaluate.everySteps=0", "--runs", disk, "--run-id", "full"];
      const end = await run(["train", ...job, ...flags]);
      expect(end.code).toBe(1);
      expect(end.stdout).toMatch(/^reason .*checkpoint.*the disk is full\n {2}to mend: /m);
      expect(`${end.stdout}${end.stderr}`).not.toMatch(/^\s+at .*:\d+/m);
      expect(await leftBehind(end.mark)).toEqual([]);
      const files = readdirSync(disk, { recursive: true }).map(String);
      expect(files.filter((name) => /\.(tmp|partial)|parameters.*\.safetensors/.test(name))).toEqual([]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  test.runIf(isRoot)("a folder that may not be written to", async () => {
    const closed = path.join(folder, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o555);
    const job = writeJob(folder);
    // Root without its right to pass over permissions is a user like any other.
    const within = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"];
    const end = await run(["train", job, "--runs", path.join(closed, "runs")], { within });
    await expectOneMessage(end, 1, [/permission/i, /closed/]);
  });

  test("beyond this machine only with a token", async () => {
    const end = await run(["train", writeJob(folder), "--runs", runs, "--host", "0.0.0.0"]);
    await expectOneMessage(end, 1, [/--token/]);
  });
});

test("after all of this a run of the same job is as good as ever", async () => {
  const job = writeJob(folder);
  const { hash } = await finish(startTraining(runs, "first", [job]));
  expect((await finish(startTraining(runs, "second", [job]))).hash).toBe(hash);
});
