/** A fault drill on a job of a few seconds: its certificate, its exit code, and what it says of plans that do not fit. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { run } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { smallJob, writeJob } from "./small-job.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const folder = temporaryFolder();
const steps = 160;
const job = writeJob(folder, smallJob({ steps, checkpoints: { everySteps: 20 } }));

function plan(name: string, faults: readonly object[]): string {
  const file = path.join(folder, name);
  writeFileSync(file, JSON.stringify({ job: { workers: 2, shards: 2 }, faults }));
  return file;
}

const chaos = (...flags: readonly string[]) =>
  run(["chaos", job, "--runs", path.join(folder, "runs"), ...flags]);

test("five faults, and a certificate that is green", async () => {
  const out = path.join(folder, "out");
  const file = plan("plan.json", [
    { do: "kill", to: "worker-1", at: { step: 8, moment: "before-push" } },
    { do: "stop", to: "worker-0", at: { step: 16 }, forMs: 300 },
    { do: "kill", to: "shard-1", at: { step: 24, moment: "before-publish" } },
    { do: "kill", to: "coordinator", at: { step: 34, moment: "before-record" } },
    // Shards go on for 64 steps without a coordinator: whatever waits for its word must come later than that.
    { do: "kill", to: "everything", at: { step: 130 } },
  ]);
  const end = await chaos("--plan", file, "--out", out);
  expect(end.code, `${end.stdout}\n${end.stderr}`).toBe(0);
  expect(end.stdout).toContain("0 lost, 0 applied twice");
  const certificate = JSON.parse(readFileSync(path.join(out, "certificate.json"), "utf8")) as {
    readonly green: boolean;
    readonly undisturbed: { readonly hash: string };
    readonly disturbed: { readonly hash: string };
    readonly faults: readonly { readonly outcome: string; readonly nextCommitMs: number | null }[];
    readonly totals: { readonly takenUp: number; readonly undoneSteps: number };
  };
  expect(certificate.green).toBe(true);
  expect(certificate.disturbed.hash).toBe(certificate.undisturbed.hash);
  expect(certificate.faults.map(({ outcome }) => outcome)).toEqual(Array(5).fill("struck"));
  expect(certificate.faults.every(({ nextCommitMs }) => nextCommitMs !== null)).toBe(true);
  expect(readFileSync(path.join(out, "certificate.html"), "utf8")).toContain(certificate.disturbed.hash);
  expect(await leftBehind(end.mark)).toEqual([]);
});

test("shards in the processes of workers: what strikes one strikes both, each at its own moments", async () => {
  const out = path.join(folder, "beside");
  const file = plan("beside.json", [
    { do: "kill", to: "worker-1", at: { step: 8, moment: "before-push" } },
    { do: "kill", to: "shard-0", at: { step: 20, moment: "after-commit" } },
    { do: "reorder-frames", to: "shard-1", at: { step: 40 }, share: 0.1, forMs: 500 },
    { do: "kill", to: "shard-1", at: { step: 60, moment: "before-publish" } },
    { do: "lose-memory", to: "shard-1", at: { step: 80 } },
    { do: "drain", to: "worker-0", at: { step: 100 }, graceMs: 300 },
    { do: "rejoin", to: "worker-0", at: { step: 120 } },
  ]);
  const end = await chaos("--plan", file, "--out", out, "--run-id", "beside", "--placement", "beside");
  expect(end.code, `${end.stdout}\n${end.stderr}`).toBe(0);
  const { faults } = JSON.parse(readFileSync(path.join(out, "certificate.json"), "utf8")) as {
    readonly faults: readonly { readonly outcome: string; readonly process: string }[];
  };
  expect(faults.map(({ outcome }) => outcome)).toEqual(Array(7).fill("struck"));
  expect(faults.map((fault) => fault.process)).toContain("shard-0");
  expect(await leftBehind(end.mark)).toEqual([]);
});

test("a disk that is full, then read-only, when checkpoints are due: the run goes on, and is not taken up again", async () => {
  const out = path.join(folder, "disk");
  const file = plan("disk.json", [
    { do: "disk-full", to: "coordinator", at: { step: 8 }, forMs: 1_500 },
    // Later than shards go on without a record that is written: no longer full by then.
    { do: "disk-read-only", to: "coordinator", at: { step: 130 }, forMs: 1_500 },
  ]);
  const end = await chaos("--plan", file, "--out", out, "--run-id", "disk");
  expect(end.code, `${end.stdout}\n${end.stderr}`).toBe(0);
  const certificate = JSON.parse(readFileSync(path.join(out, "certificate.json"), "utf8")) as {
    readonly totals: { readonly takenUp: number };
  };
  expect(certificate.totals.takenUp).toBe(0);
  const said = readFileSync(path.join(folder, "runs", "disk", "metrics", "events.jsonl"), "utf8");
  expect(said).toMatch(/the checkpoint of step \d+ could not be written/);
  expect(said).toMatch(/the disk is full/);
});

test("a finished run may stand for the undisturbed one, if it is of the same job", async () => {
  const file = plan("one.json", [{ do: "kill", to: "worker-1", at: { step: 20 } }]);
  const reference = ["--reference", "disk-undisturbed", "--run-id", "again"];
  const other = await chaos("--plan", file, ...reference, "--seed", "7");
  expect(other.code).toBe(1);
  expect(other.stderr).toContain("run disk-undisturbed cannot stand for the undisturbed run: its seed is");
  const end = await chaos("--plan", file, ...reference);
  expect(end.code, `${end.stdout}\n${end.stderr}`).toBe(0);
  expect(readdirSync(path.join(folder, "runs"))).not.toContain("again-undisturbed");
});

test("a plan with an unknown fault, process and moment, and a step beyond the run, is refused before anything runs", async () => {
  const at = { step: 3 };
  const unknown = await chaos("--plan", plan("unknown.json", [{ do: "kil", to: "worker-0", at }]));
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toContain('got "kil", which is no fault');
  expect(unknown.stderr).toContain('did you mean "kill"?');
  const file = plan("wrong.json", [
    { do: "kill", to: "worker-5", at },
    { do: "kill", to: "worker-0", at: { step: 3, moment: "mid-flight" } },
    { do: "kill", to: "worker-0", at: { step: steps } },
  ]);
  const wrong = await chaos("--plan", file);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('got "worker-5", which is no process of this run');
  expect(wrong.stderr).toContain('got "mid-flight", which is no moment of worker-0');
  expect(wrong.stderr).toContain(`got ${steps}, which is beyond the run`);
  const apart = path.join(folder, "apart.json");
  const hosts = { "host-1": ["worker-0"] };
  const partition = { do: "partition", to: "host-1", at };
  writeFileSync(apart, JSON.stringify({ job: { workers: 2, shards: 1 }, hosts, faults: [partition] }));
  const beside = await chaos("--plan", apart, "--placement", "beside");
  expect(beside.code).toBe(2);
  expect(beside.stderr).toContain('got "worker-0", which has shard-0 in its process');
  expect((await chaos()).stderr).toContain("--plan PLAN or --random SEED");
});
