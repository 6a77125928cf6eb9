import { createHash } from "node:crypto";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Verification } from "@latentweave/verify-engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Recomputation } from "../replay/recompute.ts";
import { runCli } from "../testing/run-cli.ts";
import { writeTinyJob } from "../testing/tiny-job.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-verify-"));
  await writeTinyJob(directory, { steps: 12 });
  for (const [run, seed, workers] of [
    ["one", "0", "2"],
    ["same", "0", "1"],
    ["other", "1", "1"],
  ] as const) {
    const flags = ["--run-id", run, "--seed", seed, "--workers", workers, "--shards", workers];
    const { code, stderr } = await runCli(["train", "job.json", ...flags, "--quiet"], directory);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  }
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

function ledgerOf(run: string): string {
  return path.join(directory, "runs", run, "ledger", "commits.jsonl");
}

/** Changes records and chains them anew, as somebody who knows the format could. */
function forge(run: string, change: (record: Record<string, unknown>) => void): void {
  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  let previous = sha256("latentweave ledger 3\none");
  const lines = readFileSync(ledgerOf(run), "utf8").trimEnd().split("\n");
  const forged = lines.map((line) => {
    const { record } = JSON.parse(line) as { record: Record<string, unknown> };
    change(record);
    const json = JSON.stringify(record);
    const hash = sha256(`${previous}\n${json}`);
    const text = `{"previous":"${previous}","hash":"${hash}","record":${json}}`;
    previous = hash;
    return text;
  });
  writeFileSync(ledgerOf(run), `${forged.join("\n")}\n`);
}

function copyOf(run: string, name: string): void {
  cpSync(path.join(directory, "runs", run), path.join(directory, "runs", name), { recursive: true });
}

type Report = Verification & { readonly recomputation: Recomputation | null };

async function verify(...args: readonly string[]): Promise<{ code: number | null; report: Report }> {
  const { code, stdout } = await runCli(["verify", ...args, "--json"], directory);
  return { code, report: JSON.parse(stdout) as Report };
}

describe("a run of real processes", () => {
  it("is consistent, and every one of its steps can be proved", async () => {
    const { code, report } = await verify("one", "--recompute", "0..12");
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ consistent: true, steps: 13, plannedSteps: 13, version: 12, digests: 13 });
    expect(report.microBatches).toBe(report.recomputation?.microBatches);
    expect(report.recomputation).toMatchObject({ proved: true, from: 0, steps: 13, versions: 13 });
    expect(code).toBe(0);
  });

  it("is computed again from the checkpoint before the wanted steps", async () => {
    const { stdout, code } = await runCli(["verify", "one", "--recompute", "7..8"], directory);
    expect(stdout).toMatch(/^consistent$/m);
    expect(stdout).toMatch(/recomputed {2}3 steps from version 6 on: /);
    expect(stdout).toMatch(/proved: steps 7 to 8 come to exactly what was recorded\n$/);
    expect(code).toBe(0);
  });

  it("gives the weights of any step, those of its checkpoints among them", async () => {
    const hash = (await runCli(["hash", "one@8"], directory)).stdout;
    for (const file of ["runs/one/checkpoints/step-00000008", "runs/one/checkpoints/step-00000006"])
      rmSync(path.join(directory, file), { recursive: true });
    const replayed = await runCli(["replay", "one", "--to", "8", "-o", "eight.safetensors"], directory);
    expect(replayed.stdout).toBe(hash);
    expect(replayed.stderr).toContain("from the checkpoint of step 4");
    expect((await runCli(["hash", "eight.safetensors"], directory)).stdout).toBe(hash);
  });

  it("differs from another seed's in its first weights, and not from itself with other workers", async () => {
    const same = await runCli(["diff", "one", "same"], directory);
    expect(same.stdout).toMatch(/weights {5}the same in all 13 versions[^]*same bits\n$/);
    const other = await runCli(["diff", "one", "other", "--recompute", "--json"], directory);
    expect(JSON.parse(other.stdout)).toMatchObject({
      same: false,
      weights: { version: 0 },
      recomputed: { tensor: "table/encoder/0/kernel", index: 0 },
    });
  });
});

describe("a forged record", () => {
  it("may be consistent, but cannot be proved: the sum that nobody can have sent is named", async () => {
    copyOf("one", "forged");
    forge("forged", (record) => {
      if (record.kind !== "commit" || record.step !== 5) return;
      const tasks = record.tasks as { shards: { nodes: [number, number, string, string][] }[] }[];
      tasks[0]!.shards[0]!.nodes[0]![3] = "0123456789abcdef";
    });
    const { code, report } = await verify("forged", "--recompute", "4..6");
    expect(report.consistent).toBe(true);
    expect(report.recomputation?.problems).toEqual([
      {
        where: "step 5",
        what: expect.stringMatching(
          /^task "table", round 0, shard 0: node \d:\d came from worker-\d with the digest 0123456789abcdef, computed is [0-9a-f]{16}$/,
        ) as string,
      },
    ]);
    expect(report.recomputation?.proved).toBe(false);
    expect(code).toBe(1);
  });

  it("cannot be computed again to weights that the record does not have", async () => {
    copyOf("one", "forged-weights");
    forge("forged-weights", (record) => {
      if (record.kind === "commit" && record.step === 3) record.digest = "f".repeat(64);
      if (record.kind === "version" && record.version === 3) record.digest = "f".repeat(64);
    });
    const replayed = await runCli(["replay", "forged-weights", "--to", "3"], directory);
    expect(replayed.stderr).toContain("version 3 does not come to what was recorded");
    expect(replayed.code).toBe(1);
  });
});

describe("what cannot be verified", () => {
  it("says what does not match, and ends with exit code 1", async () => {
    copyOf("same", "damaged");
    const text = readFileSync(ledgerOf("damaged"), "utf8");
    writeFileSync(ledgerOf("damaged"), text.replace('"step":3,', '"step":4,'));
    const { code, stdout } = await runCli(["verify", "damaged", "--recompute", "0..1"], directory);
    expect(stdout).toMatch(
      /^ledger\/commits.jsonl, line \d+: changed or damaged since it was written; nothing after it can be checked$/m,
    );
    expect(stdout).toMatch(/not consistent\n$/);
    expect(code).toBe(1);
  });

  it.each([
    [["verify", "half"], "this run is not whole: spec.json is missing", 1],
    [["verify", "busy"], "this run is still going on", 1],
    [["verify", "same", "--recompute", "5..99"], "step 99 is not in the record, which ends at step 12", 2],
    [["verify", "same", "--recompute", "5-9"], "Expected FIRST..LAST", 2],
    [["replay", "same", "--to", "13"], "there is no version 13", 2],
    [["replay", "same", "--to", "99"], "the record ends at step 13", 2],
  ] as const)("%j", async (args, what, exit) => {
    copyOf("same", "half");
    rmSync(path.join(directory, "runs", "half", "spec.json"));
    copyOf("same", "busy");
    const holder = JSON.stringify({ pid: process.pid, host: os.hostname(), started: "" });
    writeFileSync(path.join(directory, "runs", "busy", ".lock"), holder);
    const { code, stdout, stderr } = await runCli(args, directory);
    expect(stderr).toContain(what);
    expect(stdout).toBe("");
    expect(code).toBe(exit);
  });
});
