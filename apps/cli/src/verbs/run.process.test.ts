import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveRuns } from "../disk-dashboard/serve-runs.ts";
import { runCli, startCli } from "../testing/run-cli.ts";
import { writeTinyJob } from "../testing/tiny-job.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-verbs-"));
  await writeTinyJob(directory);
  const { code, stderr } = await runCli(
    ["train", "job.json", "--run-id", "first", "--workers", "1", "--quiet"],
    directory,
  );
  expect(stderr).toBe("");
  expect(code).toBe(0);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function json<Value>(...args: readonly string[]): Promise<Value> {
  const { code, stdout, stderr } = await runCli([...args, "--json"], directory);
  expect(stderr).not.toContain("error");
  expect(code).toBe(0);
  return JSON.parse(stdout) as Value;
}

describe("a finished run", () => {
  it("has the hash that anyone can recompute from its file", async () => {
    const { stdout } = await runCli(["hash", "first"], directory);
    const file = await readFile(
      path.join(directory, "runs/first/checkpoints/step-00000006/parameters.safetensors"),
    );
    const headerBytes = Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.toString("utf8", 8, 8 + headerBytes)) as Record<
      string,
      { shape: number[]; data_offsets: [number, number] }
    >;
    const digest = createHash("sha256");
    for (const name of Object.keys(header)
      .filter((key) => key !== "__metadata__")
      .sort()) {
      const {
        shape,
        data_offsets: [start, end],
      } = header[name] as { shape: number[]; data_offsets: [number, number] };
      digest
        .update(`${name}\0F32\0${shape.join(",")}\0`)
        .update(file.subarray(8 + headerBytes + start, 8 + headerBytes + end));
    }
    expect(stdout).toBe(`${digest.digest("hex")}\n`);
    const old = await runCli(["hash", "first@2"], directory);
    expect(old.stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect(old.stdout).not.toBe(stdout);
  });

  it("is told by status, inspect and logs", async () => {
    const status = await json<{ state: string; step: number }>("status", "fir");
    expect(status).toMatchObject({ state: "finished", step: 6, totalSteps: 6, url: null });
    const all = await runCli(["status"], directory);
    expect(all.stdout).toMatch(/^run\s+state[^]*first\s+finished\s+6 of 6/);
    const inspection = await json<{
      tensors: { name: string }[];
      ledger: { commits: number; samples: unknown };
    }>("inspect", "first");
    expect(inspection.tensors.map(({ name }) => name)).toContain("table/encoder/0/kernel");
    expect(inspection.ledger.samples).toMatchObject({ table: 6 * 4 * 2 + 2 * 12 });
    const logs = await runCli(["logs", "first", "events"], directory);
    expect(logs.stdout).toMatch(/\d\d:\d\d:\d\d worker worker-0 joined/);
    const wrong = await runCli(["logs", "first", "worker-9"], directory);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('did you mean "worker-0"?');
  });

  it("cannot be started again under its name, nor resumed with another job", async () => {
    const again = await runCli(["train", "job.json", "--run-id", "first"], directory);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toContain('there is a run "first" already (finished, step 6)');
    const changed = await runCli(
      ["train", "job.json", "--run-id", "first", "--resume", "--seed", "5"],
      directory,
    );
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain("seed was 0, is 5");
  });

  it("encodes data to rows of latents, as NPY and as CSV", async () => {
    await json("encode", "first", "table.csv", "-o", "latents.npy");
    await json("encode", "first", "table.csv", "-o", "latents.csv");
    const npy = await readFile(path.join(directory, "latents.npy"));
    expect(npy.toString("latin1", 0, 80)).toContain(
      "'descr': '<f4', 'fortran_order': False, 'shape': (60, 2)",
    );
    const numbers = new Float32Array(
      npy.buffer.slice(npy.byteOffset + npy.length - 480, npy.byteOffset + npy.length),
    );
    const lines = (await readFile(path.join(directory, "latents.csv"), "utf8")).trimEnd().split("\n");
    expect(lines[0]).toBe("latent_0,latent_1");
    expect(
      lines.slice(1).flatMap((line) => line.split(",").map((text) => Math.fround(Number(text)))),
    ).toEqual([...numbers]);
  });

  it("is served from disk with the coordinator's API", async () => {
    const served = await serveRuns({
      runsDirectory: path.join(directory, "runs"),
      port: 0,
      pageFile: import.meta.filename,
    });
    try {
      const get = async (place: string): Promise<unknown> => (await fetch(new URL(place, served.url))).json();
      const run = await get("runs/first/api/v1/run");
      expect(run).toMatchObject({
        apiVersion: 1,
        runId: "first",
        state: "finished",
        step: 6,
        totalSteps: 6,
        tasks: [{ task: "table", samplesSeen: 48 }],
      });
      const history = (await get("runs/first/api/v1/history")) as { step: number }[];
      expect(history.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      const stream = await fetch(new URL("runs/first/api/v1/stream", served.url));
      const first = await stream.body?.getReader().read();
      expect(Buffer.from(first?.value as Uint8Array).toString()).toMatch(
        /^event: snapshot\ndata: \{"apiVersion":1/,
      );
      expect((await fetch(new URL("runs/..%2f..%2fetc/", served.url))).status).toBe(404);
      const second = await runCli(["dashboard", "--port", new URL(served.url).port], directory);
      expect(second.code).toBe(1);
      expect(second.stderr).toContain("is in use");
    } finally {
      await served.close();
    }
  });
});

describe("train", () => {
  it("prints one JSON object per line, the last with the hash, and everything else on standard error", async () => {
    const args = ["train", "job.json", "--run-id", "second", "--workers", "2", "--shards", "2", "--json"];
    const { code, stdout } = await runCli(args, directory);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; point?: { step: number }; hash?: string });
    expect(new Set(lines.map(({ kind }) => kind))).toEqual(new Set(["snapshot", "event", "commit", "end"]));
    const { stdout: hash } = await runCli(["hash", "first"], directory);
    expect(lines.at(-1)).toMatchObject({ kind: "end", state: "finished", step: 6, hash: hash.trim() });
    const difference = await json<{ same: boolean }>("diff", "first", "second");
    expect(difference).toMatchObject({ same: true, job: [], ledger: null, parameters: null });
  });

  it("ends with 130 after a checkpoint on Ctrl-C, and resumes to the bits of a run never interrupted", async () => {
    const long = ["--steps", "150", "--set", "checkpoints.everySteps=0", "--workers", "1"];
    const whole = runCli(["train", "job.json", "--run-id", "whole", ...long, "--quiet"], directory);
    const { child, ended } = startCli(["train", "job.json", "--run-id", "cut", ...long], directory);
    let seen = "";
    child.stdout?.on("data", (part) => (seen += String(part)));
    while (!/^step /m.test(seen) && child.exitCode === null) await wait(20);
    child.kill("SIGINT");
    const cut = await ended;
    expect(cut.code).toBe(130);
    expect(cut.stdout).toContain("latentweave train --resume --run-id cut");
    const resumed = await runCli(["train", "--resume", "--run-id", "cut", "--quiet"], directory);
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toBe((await whole).stdout);
  });

  it("leaves no run behind that could not be started", async () => {
    const before = await readdir(path.join(directory, "runs"));
    const bad = await runCli(["train", "job.json", "--run-id", "none", "--host", "0.0.0.0"], directory);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain("without a token");
    const missing = await runCli(
      ["train", "job.json", "--set", 'tasks.table.data.csv="gone.csv"'],
      directory,
    );
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("gone.csv: no such file");
    expect(await readdir(path.join(directory, "runs"))).toEqual(before);
  });
});
