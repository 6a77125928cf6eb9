import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cacheDirectory } from "@latentweave/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTwoHosts, type TwoHosts } from "./two-hosts.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = path.join(root, "apps/cli/bin/latentweave.mjs");
const job = path.join(root, "examples/digits-and-fashion/job.ts");
/** `npm run shows` asks for as many as its issue names. */
const settings = ["--steps", process.env["LATENTWEAVE_E2E_STEPS"] ?? "8", "--seed", "7"];
const token = "a-token-of-the-test";

let hosts: TwoHosts;
let takeDown = (): Promise<void> => Promise.resolve();
let runs: string;
let reference: string;

beforeAll(async () => {
  hosts = await createTwoHosts(cacheDirectory());
  takeDown = () => hosts.down();
  runs = await mkdtemp(path.join(os.tmpdir(), "latentweave-runs-"));
  await run(process.execPath, [
    program,
    "train",
    job,
    ...settings,
    "--run-id",
    "alone",
    "--workers",
    "1",
    "--runs",
    runs,
    "--dashboard",
    "off",
    "--quiet",
  ]);
  reference = await hashOf("alone");
});

afterAll(async () => {
  await takeDown();
  await rm(runs, { recursive: true, force: true });
});

async function hashOf(runId: string): Promise<string> {
  const { stdout } = await run(process.execPath, [program, "hash", runId, "--runs", runs]);
  const hash = /[0-9a-f]{64}/.exec(stdout)?.[0];
  if (hash === undefined) throw new Error(`no hash in: ${stdout}`);
  console.log(`hash of ${runId}: ${hash}`);
  return hash;
}

/** Runs to the end; rejects with what was said when the exit code is not 0. */
function command(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const [program_, ...args] = words as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(program_, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (part: Buffer) => (said += part.toString()));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(said) : reject(new Error(`exit code ${code}: ${said}`)),
    );
  });
}

async function bytesIn(folder: string): Promise<number> {
  const files = await readdir(folder).catch(() => [] as string[]);
  const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(folder, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe("a run over two hosts", () => {
  it("gives the bits of one host when a second joins by address and token, data arriving by themselves", async () => {
    const port = "8787";
    const trained = command([
      ...hosts.on.a,
      ...[process.execPath, program, "train", job, ...settings, "--run-id", "joined", "--runs", runs],
      ...[
        "--workers",
        "2",
        "--set",
        "launcher.kind=local",
        "--host",
        hosts.address.a,
        "--dashboard",
        port,
        "--token",
        token,
      ],
    ]);
    const joined = command(
      [
        ...hosts.on.b,
        process.execPath,
        program,
        "join",
        `http://${hosts.address.a}:${port}`,
        "--token",
        token,
      ],
      { LATENTWEAVE_CACHE: hosts.cacheOfB },
    );
    await Promise.all([trained, joined]);
    expect(await hashOf("joined")).toBe(reference);
    expect(await bytesIn(path.join(hosts.cacheOfB, "fetched"))).toBeGreaterThan(1_000_000);
    const events = await readFile(path.join(runs, "joined/metrics/events.jsonl"), "utf8");
    expect(events).toMatch(/3 workers/);
  });

  it("refuses a wrong token without disturbing the run, and says what to pass", async () => {
    const port = "8788";
    const trained = command([
      ...hosts.on.a,
      ...[process.execPath, program, "train", job, ...settings, "--run-id", "guarded", "--runs", runs],
      ...["--workers", "1", "--host", hosts.address.a, "--dashboard", port, "--token", token],
    ]);
    const intruder = command([
      ...hosts.on.b,
      process.execPath,
      program,
      "join",
      `http://${hosts.address.a}:${port}`,
      "--token",
      "wrong",
    ]);
    await expect(intruder).rejects.toThrow(/refused the token[\s\S]*--token TOKEN/);
    await trained;
    expect(await hashOf("guarded")).toBe(reference);
  });

  it("gives the bits of one host when workers are started on the other over ssh", async () => {
    const ssh = await hosts.startSsh();
    await command(
      [
        ...hosts.on.a,
        ...[
          process.execPath,
          program,
          "train",
          job,
          ...settings,
          "--run-id",
          "ssh",
          "--runs",
          runs,
          "--dashboard",
          "off",
        ],
        ...["--launcher", "ssh", "--hosts", "b", "--workers", "2"],
      ],
      {
        LATENTWEAVE_SSH_COMMAND: ssh,
        LATENTWEAVE_REMOTE_COMMAND: `env LATENTWEAVE_CACHE=${hosts.cacheOfB} ${process.execPath} ${program}`,
      },
    );
    expect(await hashOf("ssh")).toBe(reference);
    const events = await readFile(path.join(runs, "ssh/metrics/events.jsonl"), "utf8");
    expect(events).toMatch(
      /worker b-0 joined[\s\S]*worker b-1 joined|worker b-1 joined[\s\S]*worker b-0 joined/,
    );
  });
});

describe("data travels once", () => {
  it("lets each of four workers with cold caches fetch at most a third of an epoch", async () => {
    const trained = command([
      ...[process.execPath, program, "train", job, ...settings, "--run-id", "four", "--runs", runs],
      ...["--workers", "4", "--dashboard", "off", "--set", "evaluate.everySteps=0"],
    ]);
    await trained;
    const rows = (await readFile(path.join(runs, "four/metrics/workers.jsonl"), "utf8")).trim().split("\n");
    const fetched = new Map<string, number>();
    for (const line of rows) {
      const row = JSON.parse(line) as { process: string; fetchedBytes?: number };
      if (row.fetchedBytes !== undefined) fetched.set(row.process, row.fetchedBytes);
    }
    const epochBytes = await epochOf(path.join(runs, "four/spec.json"));
    expect(fetched.size).toBe(4);
    const most = Math.max(...fetched.values());
    console.log(
      `fetched by one of four workers: at most ${((100 * most) / epochBytes).toFixed(0)} % of an epoch`,
    );
    for (const [worker, bytes] of fetched) expect(bytes, worker).toBeLessThanOrEqual(epochBytes / 3);
  });
});

/** Bytes of all training shards of a run's tasks. */
async function epochOf(specFile: string): Promise<number> {
  const spec = JSON.parse(await readFile(specFile, "utf8")) as { tasks: { dataHash: string }[] };
  let bytes = 0;
  for (const { dataHash } of spec.tasks) {
    const file = path.join(cacheDirectory(), "prepared", dataHash, "manifest.json");
    const manifest = JSON.parse(await readFile(file, "utf8")) as { splits: { train: { bytes: number } } };
    bytes += manifest.splits.train.bytes;
  }
  return bytes;
}
