import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectError } from "../testing/expect-error.ts";
import { runCli } from "../testing/run-cli.ts";
import { writeTinyJob } from "../testing/tiny-job.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "latentweave-profile-"));
  await writeTinyJob(directory);
  for (const [runId, ...flags] of [["plain"], ["profiled", "--profile", "2", "--steps", "300"]]) {
    const args = ["train", "job.json", "--run-id", runId as string, "--workers", "1", "--quiet", ...flags];
    expect((await runCli(args, directory)).code).toBe(0);
  }
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe("a run that was profiled", () => {
  it("keeps the newest steps, at least as many as it was told to, and forgets the first", async () => {
    const { stdout } = await runCli(["profile", "profiled", "--json"], directory);
    const { perStep } = JSON.parse(stdout) as { perStep: { step: number }[] };
    const told = perStep.map(({ step }) => step);
    // The closing evaluation, which comes after all of them.
    expect(told.at(-1)).toBe(300);
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(told[0]).toBeGreaterThan(0);
  });

  it("is shown with a table, a path, a culprit and where the trace is", async () => {
    const { stdout, stderr, code } = await runCli(["profile", "profiled"], directory);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^worker-0 +\S/m);
    expect(stdout).toMatch(/^critical path of step \d+ \(/m);
    expect(stdout).toMatch(/^culprit: (worker|shard)-0 \S+: [\d.]+ % of all steps' time/m);
    const file = /^trace: (\S+)/m.exec(stdout)?.[1] ?? "";
    expect(JSON.parse(await readFile(file, "utf8"))).toHaveProperty("traceEvents");
  });
});

describe("what cannot be shown is said, with the way to it", () => {
  it.each([
    [["profile", "plain"], "run plain has no profile", "latentweave train JOB --profile"],
    [["profile", "profild"], 'there is no run "profild"', 'did you mean "profiled"?'],
    [["profile", "profiled", "--step", "700"], "has no step 700", "a step from "],
    [["profile", "profiled", "--trace", "no/such/folder/t.json"], "cannot be written", "--trace FILE"],
  ])("%j", async (args, what, mend) => {
    expectError(await runCli(args, directory), { what, mend, code: 1 });
  });

  it("and a run that is not profiled has nothing of it in its folder", async () => {
    await expect(stat(path.join(directory, "runs/plain/profile"))).rejects.toThrow("ENOENT");
  });
});
