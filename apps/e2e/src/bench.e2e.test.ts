/** `latentweave bench` on real processes: everything it promises is measured, and nothing of it stays. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { run, start } from "./command.ts";
import { leftBehind } from "./left-behind.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const folder = temporaryFolder();

/** Where the benchmark keeps what it needs meanwhile. */
function scratch(name: string): { readonly directory: string; readonly env: Record<string, string> } {
  const directory = path.join(folder, name);
  mkdirSync(directory);
  return { directory, env: { TMPDIR: directory } };
}

/** A Python without site-packages: whatever is installed here, it has no PyTorch. */
function bareFile(): string {
  const file = path.join(folder, "bare-python");
  writeFileSync(file, '#!/bin/sh\nexec python3 -S "$@"\n');
  chmodSync(file, 0o755);
  return file;
}

interface Bench {
  readonly compute: readonly { readonly processes: number; readonly samplesPerSecond: number }[];
  readonly runs: readonly {
    readonly workers: number;
    readonly samplesPerSecond: number;
    readonly efficiency: number;
    readonly phases: Readonly<Record<string, number>>;
    readonly pytorch: object;
  }[];
  readonly exchanges: readonly {
    readonly numbers: number;
    readonly workers: number;
    readonly through: string;
    readonly stepMs: number;
    readonly allReduceMs: null;
  }[];
  readonly prediction: { readonly hosts: readonly { readonly samplesPerSecond: number }[] };
  readonly pytorch: object;
}

const short = ["bench", "--workers", "1,2", "--seconds", "0.2"];

describe("latentweave bench", () => {
  test("measures compute, runs, phases and exchanges; without PyTorch it says how to get it, and keeps nothing", async () => {
    const { directory, env } = scratch("whole");
    const file = path.join(folder, "bench.json");
    const args = [...short, "--python", bareFile(), "--json", file];
    const { code, stdout, stderr, mark } = await run(args, { cwd: folder, env });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(
      /without PyTorch: .*bare-python has no PyTorch\n {2}to get it: .*pip install torch/,
    );
    expect(stdout).toMatch(/^compute alone +\S+ +\S+ ms$/m);
    expect(stdout).toMatch(/^2 workers +\S+ +\S+ ms +\S+ %$/m);
    expect(stdout).toMatch(/^compute +\S+ +\S+ % +\S+ +\S+ %$/m);
    expect(stdout).toContain("a prediction, not a measurement");
    expect(stdout).toContain("PyTorch DDP is not beside it");
    expect(stdout).not.toMatch(/NaN|undefined|Infinity/);

    const bench = JSON.parse(readFileSync(file, "utf8")) as Bench;
    expect(bench.runs.map(({ workers }) => workers)).toEqual([1, 2]);
    expect(bench.runs[0]?.efficiency).toBe(1);
    for (const { samplesPerSecond, phases, pytorch } of bench.runs) {
      expect(samplesPerSecond).toBeGreaterThan(0);
      for (const phase of ["compute", "update", "broadcast"]) expect(phases[phase]).toBeGreaterThan(0);
      expect(pytorch).toEqual({});
    }
    for (const { samplesPerSecond } of [...bench.compute, ...bench.prediction.hosts])
      expect(samplesPerSecond).toBeGreaterThan(0);
    const places = bench.exchanges.map(({ numbers, workers, through }) => `${numbers} ${workers} ${through}`);
    expect(new Set(places).size).toBe(places.length);
    expect(new Set(bench.exchanges.map(({ numbers }) => numbers)).size).toBe(3);
    for (const { stepMs, allReduceMs } of bench.exchanges) {
      expect(stepMs).toBeGreaterThan(0);
      expect(allReduceMs).toBeNull();
    }
    expect(readdirSync(directory)).toEqual([]);
    expect(await leftBehind(mark)).toEqual([]);
  });

  test.each([
    ["before the first run", /without PyTorch/],
    ["in a run of one worker", /compute alone/],
    ["in a run of two", /1 worker: /],
    ["in an exchange", /exchange of 4\.1 kB, 1 worker/],
  ])("ended %s leaves nothing running and nothing on disk", async (when, pattern) => {
    const { directory, env } = scratch(when.replaceAll(" ", "-"));
    const running = start([...short, "--python", "off"], { cwd: folder, env });
    await running.waitForText(pattern);
    running.signal("SIGINT");
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(130);
    expect(stdout).toBe("");
    expect(stderr).toContain("nothing is left running");
    expect(await leftBehind(running.mark)).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });
});
