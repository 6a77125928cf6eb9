/** What `latentweave profile` says of real runs: nothing is missing, nothing is there twice, and no bit is another one. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { TraceEvent } from "@latentweave/telemetry";
import { beforeAll, describe, expect, test } from "vitest";
import { run } from "./command.ts";
import { processOf } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { committed, exampleJob, finish, startTraining, workerProcess } from "./training.ts";

const runs = temporaryFolder();
/** More than a leader commits while there is no coordinator (64): some are left for when it has come back. */
const steps = 120;
const all = Array.from({ length: steps + 1 }, (_, step) => step);
const job = [
  ...[exampleJob("digits-and-fashion"), "--steps", String(steps), "--seed", "7"],
  ...["--set", "evaluate.everySteps=25", "--workers", "2", "--shards", "2"],
];

interface Profile {
  readonly processes: readonly {
    readonly process: string;
    readonly steps: number;
    readonly phases: readonly { readonly phase: string; readonly share: number }[];
  }[];
  readonly criticalPath: { readonly step: number } | null;
  readonly culprits: readonly { readonly process: string; readonly share: number }[];
  readonly clocks: readonly { readonly process: string; readonly pid: number; readonly errorMs: number }[];
  readonly perStep: readonly {
    readonly step: number;
    readonly ms: number;
    readonly evaluated: boolean;
    readonly path: readonly { readonly process: string; readonly phase: string; readonly ms: number }[];
    readonly processes?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  }[];
  readonly slow: readonly { readonly step: number; readonly evaluated: boolean }[];
  readonly trace: string;
}

async function profileOf(runId: string): Promise<Profile> {
  const { stdout, stderr, code } = await run(["profile", runId, "--runs", runs, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Profile;
}

/** Its shares are of the same time, and nothing of that is left out. */
function expectWholeShares({ processes }: Profile): void {
  for (const { process, phases } of processes) {
    if (process === "coordinator") continue;
    const sum = phases.reduce((before, { share }) => before + share, 0);
    // To the rounding of each share.
    expect(Math.abs(sum - 1), process).toBeLessThan(0.001 * phases.length);
    for (const { share } of phases) expect(share).toBeGreaterThanOrEqual(0);
  }
}

function traceOf({ trace }: Profile): readonly TraceEvent[] {
  return (JSON.parse(readFileSync(trace, "utf8")) as { traceEvents: TraceEvent[] }).traceEvents;
}

/** In each row a bar is beside every other one, or within it: what overlaps by half cannot be drawn. */
function expectNested(events: readonly TraceEvent[]): void {
  const rows = new Map<string, TraceEvent[]>();
  for (const event of events) {
    if (event.ph !== "X") continue;
    const key = `${event.pid} ${event.tid}`;
    rows.set(key, [...(rows.get(key) ?? []), event]);
  }
  for (const row of rows.values()) {
    const open: number[] = [];
    const bars = row.map(({ ts = 0, dur = 0 }) => ({ ts, dur })).sort((a, b) => a.ts - b.ts || b.dur - a.dur);
    for (const { ts, dur } of bars) {
      while (open.length > 0 && (open.at(-1) as number) <= ts) open.pop();
      expect(dur).toBeGreaterThanOrEqual(0);
      expect(ts + dur).toBeLessThanOrEqual(open.at(-1) ?? Number.POSITIVE_INFINITY);
      open.push(ts + dur);
    }
  }
}

describe("a run of two workers and two shards", () => {
  let profile: Profile;
  let plain: string;

  beforeAll(async () => {
    ({ hash: plain } = await finish(startTraining(runs, "plain", job)));
    const { hash } = await finish(startTraining(runs, "profiled", [...job, "--profile"]));
    expect(hash).toBe(plain);
    profile = await profileOf("profiled");
  });

  test("has each step once, with what each process did for it", () => {
    expect(profile.perStep.map(({ step }) => step)).toEqual(all);
    const workers = ["worker-0", "worker-1"];
    const seen = new Set<string>();
    for (const { step, processes = {} } of profile.perStep) {
      // On a busy machine one may be so late with a step that the other has computed all of it.
      const computing = workers.filter((worker) => (processes[worker]?.compute ?? 0) > 0);
      expect(computing, `workers in step ${step}`).not.toEqual([]);
      for (const worker of computing) seen.add(worker);
      expect(processes["shard-0"]?.commit).toBeGreaterThan(0);
      // The closing evaluation changes no weight.
      if (step < steps)
        for (const shard of ["shard-0", "shard-1"]) expect(processes[shard]?.update).toBeGreaterThan(0);
    }
    expect([...seen].sort()).toEqual(workers);
    expect(profile.processes.map(({ process }) => process)).toEqual([
      ...["worker-0", "worker-1", "shard-0", "shard-1", "coordinator"],
    ]);
    expectWholeShares(profile);
  });

  test("has critical paths that last as long as their steps, and a culprit among its processes", () => {
    for (const { ms, path: parts } of profile.perStep) {
      const sum = parts.reduce((before, part) => before + part.ms, 0);
      // To the rounding of each part.
      expect(Math.abs(sum - ms)).toBeLessThan(0.001 * (parts.length + 1));
    }
    expect(all).toContain(profile.criticalPath?.step);
    expect(profile.culprits[0]?.process).toMatch(/^(worker|shard)-[01]$/);
    // All are on this host: there is no doubt about their clocks.
    expect(profile.clocks.map(({ errorMs }) => errorMs)).toEqual([0, 0, 0, 0, 0]);
  });

  test("has a trace in which every step is there once, with a path as long as it, and all bars are nested", () => {
    const events = traceOf(profile);
    expect(profile.trace).toBe(path.join(runs, "profiled", "profile", "trace.json"));
    const bars = events.filter(({ cat }) => cat === "step");
    expect(bars.map(({ name }) => name)).toEqual(all.map((step) => `step ${step}`));
    for (const bar of bars) {
      const parts = events.filter(
        ({ cat, args }) => cat === "critical path" && args?.step === bar.args?.step,
      );
      expect(parts.reduce((sum, { dur = 0 }) => sum + dur, 0)).toBe(bar.dur);
    }
    expectNested(events);
    const ends = new Set(events.filter(({ ph }) => ph === "f").map(({ id }) => id));
    const starts = events.filter(({ ph }) => ph === "s");
    expect(starts.length).toBeGreaterThan(2 * steps);
    expect(starts.every(({ id }) => ends.has(id))).toBe(true);
  });

  test("shows a step that is asked for, and writes the trace where it is told to", async () => {
    const trace = path.join(runs, "own.json");
    const { stdout } = await run(["profile", "profiled", "--step", "30", "--trace", trace, "--runs", runs]);
    expect(stdout).toMatch(/^run profiled: step 30 took [\d.]+ ms/);
    expect(stdout).toMatch(/^critical path of step 30 \(.*\n {2}\S.*broadcast [\d.]+/m);
    expect(stdout).toContain(`trace: ${trace}`);
    expect(JSON.parse(readFileSync(trace, "utf8"))).toHaveProperty("traceEvents");
  });

  test("has phases and paths of every step that add up with shards beside the workers too, and the same bits", async () => {
    const beside = [...job, "--placement", "beside", "--profile"];
    expect((await finish(startTraining(runs, "beside", beside))).hash).toBe(plain);
    const profile = await profileOf("beside");
    expect(profile.perStep.map(({ step }) => step)).toEqual(all);
    expectWholeShares(profile);
    for (const { ms, path: parts } of profile.perStep)
      expect(Math.abs(parts.reduce((sum, part) => sum + part.ms, 0) - ms)).toBeLessThan(
        0.001 * (parts.length + 1),
      );
    // One process is a worker and a shard: each has rows of its own.
    const pidOf = new Map(profile.clocks.map(({ process, pid }) => [process, pid]));
    expect(pidOf.get("shard-0")).toBe(pidOf.get("worker-0"));
    expectNested(traceOf(profile));
  });

  test("says which steps evaluated: they take longer, and nobody is to blame for it", () => {
    const evaluated = profile.perStep.filter((one) => one.evaluated).map(({ step }) => step);
    expect(evaluated).toEqual([25, 50, 75, 100, steps]);
    for (const one of profile.slow) expect(one.evaluated).toBe(evaluated.includes(one.step));
  });

  test("has its bits and its profile also where processes are killed and come back", async () => {
    const training = startTraining(runs, "disturbed", [...job, "--profile"]);
    await committed(training, 10);
    process.kill(await workerProcess(training, "worker-1"), "SIGKILL");
    await committed(training, 20);
    process.kill(processOf(training.mark, "shard-1"), "SIGKILL");
    await committed(training, 30);
    process.kill(processOf(training.mark, "coordinator"), "SIGKILL");
    const { hash } = await finish(training);
    expect(hash).toBe(plain);
    const disturbed = await profileOf("disturbed");
    const told = disturbed.perStep.map(({ step }) => step);
    expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
    // What the coordinator had not written when it was killed is lost; what others told it before and after is not.
    expect(told).toEqual(expect.arrayContaining([...all.slice(0, 5), ...all.slice(-5)]));
    for (const name of ["worker-1", "shard-1", "coordinator"]) {
      const lives = disturbed.clocks.filter(({ process }) => process === name);
      expect(new Set(lives.map(({ pid }) => pid)).size, name).toBeGreaterThan(1);
    }
    expectWholeShares(disturbed);
    expectNested(traceOf(disturbed));
  });

  test("in the mode `stale` has what each process does, and says that there is no critical path", async () => {
    const mode = ["--set", 'mode={"kind":"stale","bound":2}', "--profile"];
    await finish(startTraining(runs, "stale", [...job, ...mode]));
    const stale = await profileOf("stale");
    expect(stale.perStep.map(({ step }) => step)).toEqual(all);
    expect(stale.criticalPath).toBeNull();
    expectWholeShares(stale);
    expectNested(traceOf(stale));
    const { stdout } = await run(["profile", "stale", "--runs", runs]);
    expect(stdout).toContain("there is no critical path");
    expect(stdout).not.toContain("culprit");
  });
});
