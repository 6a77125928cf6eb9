import { describe, expect, it } from "vitest";
import { breakdown } from "./breakdown.ts";
import { newestPart } from "./newest-part.ts";
import { profiledRun } from "./profiled-run.ts";
import type { ProfileLine } from "./profile-line.ts";
import { summarise } from "./summary.ts";
import { coordinatorLine, lineOf, type Told } from "./testing/lines.ts";
import { twoWorkers } from "./testing/two-workers.ts";

const phasesOf = (lines: readonly ProfileLine[], process: string, step: number): Record<string, number> => {
  const found = breakdown(profiledRun(lines, false)).find(
    (one) => one.process === process && one.step === step,
  );
  return Object.fromEntries([...(found?.phases ?? [])].filter(([, ms]) => ms > 0));
};

describe("the time of a process in a step", () => {
  it("is its own work, and then what the shards do or wait for", () => {
    // From the end of its push for step 0 at 81 on: the shard decides and updates, and its weights leave until 100.
    expect(phasesOf(twoWorkers(), "worker-0", 1)).toEqual({
      ...{ idle: 9, commit: 1, update: 7, broadcast: 2 },
      ...{ receive: 1, compute: 9, push: 1 },
    });
    // Until the commit of step 0 at 90 nothing is recorded; its weights are half a millisecond on the way.
    expect(phasesOf(twoWorkers(), "worker-1", 1)).toEqual({
      ...{ idle: 7, commit: 1, update: 7, broadcast: 2, queue: 0.5 },
      ...{ receive: 1, compute: 18.5, "read-back": 1, push: 1 },
    });
    expect(phasesOf(twoWorkers(), "shard-0", 1)).toEqual({
      ...{ reduce: 3.5, combine: 1, commit: 1, update: 3, broadcast: 2 },
      idle: 21.5,
    });
  });

  it("adds up to the step of the process, whatever it did", () => {
    for (const { ms, phases, isWhole } of breakdown(profiledRun(twoWorkers(), false))) {
      const sum = [...phases.values()].reduce((before, one) => before + one, 0);
      if (isWhole) expect(sum).toBeCloseTo(ms, 9);
    }
  });

  it("is in the queue from its push until the shard looks at it, and where others are added first, in their sum", () => {
    const lines = [
      coordinatorLine,
      lineOf("worker-0", [
        ["push", 0, 0, 1],
        ["receive", 1, 20, 21, "shard-0"],
        ["push", 1, 30, 31],
      ]),
      lineOf("shard-0", [
        ["reduce", 0, 3, 6, "worker-1"],
        ["reduce", 0, 8, 9, "worker-0"],
        ["commit", 0, 14, 15],
        ["broadcast", 0, 15, 18],
      ]),
    ];
    expect(phasesOf(lines, "worker-0", 1)).toEqual({
      ...{ queue: 2 + 2 + 2, reduce: 3 + 1, idle: 5 + 9, commit: 1, broadcast: 3 },
      ...{ receive: 1, push: 1 },
    });
  });
});

/** Steps of one worker and a shard, each as long as is said: the worker's computing takes what the rest leaves. */
function steps(lengths: readonly number[], timelines: readonly number[] = []): ProfileLine[] {
  const worker: Told[] = [];
  const shard: Told[] = [];
  let atMs = 0;
  for (const [step, length] of lengths.entries()) {
    const timeline = timelines[step] ?? 0;
    const endMs = atMs + length;
    worker.push(
      ["receive", step, atMs, atMs + 1, "shard-0", timeline],
      ["compute", step, atMs + 1, endMs - 4, undefined, timeline],
      ["push", step, endMs - 4, endMs - 3, undefined, timeline],
    );
    shard.push(
      ["reduce", step, endMs - 3, endMs - 2, "worker-0", timeline],
      ["commit", step, endMs - 2, endMs - 1, undefined, timeline],
      ["broadcast", step, endMs - 1, endMs, undefined, timeline],
    );
    atMs = endMs;
  }
  return [coordinatorLine, lineOf("worker-0", worker), lineOf("shard-0", shard)];
}

describe("the summary of a run", () => {
  it("names the process and the phase that steps wait for most, and how much of them that is", () => {
    const { medianMs, medianStep, culprits } = summarise(profiledRun(steps([20, 20, 22, 20, 20]), false));
    expect(medianMs).toBe(20);
    expect(medianStep?.ms).toBe(20);
    const [first] = culprits;
    expect(first).toMatchObject({ process: "worker-0", phase: "compute", stepsShare: 1 });
    // Of the four steps whose beginning is known: 15 of 20, three times, and 17 of 22.
    expect(first?.share).toBeCloseTo((3 * 15 + 17) / 82, 9);
    expect(culprits.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  it("says of slow steps who was late with what, and how long that takes as a rule", () => {
    const { slow } = summarise(profiledRun(steps([20, 20, 20, 90, 20, 31, 20]), false));
    expect(slow).toEqual([
      { step: 3, ms: 90, process: "worker-0", phase: "compute", partMs: 85, usualMs: 15, gone: [] },
      { step: 5, ms: 31, process: "worker-0", phase: "compute", partMs: 26, usualMs: 15, gone: [] },
    ]);
  });

  it("names the processes that were gone in a slow step", () => {
    const lines = steps([20, 20, 20, 90, 20, 20]);
    const lost = lineOf("worker-1", [
      ["compute", 1, 25, 30],
      ["compute", 2, 45, 50],
      ["compute", 5, 135, 140],
    ]);
    const [slowest] = summarise(profiledRun([...lines, lost], false)).slow;
    expect(slowest).toMatchObject({ step: 3, gone: ["worker-1"] });
  });

  it("has each step once, as it was made last, where some were made again", () => {
    const first = steps([20, 20, 20]);
    const again = steps([30, 30, 30, 30], [1, 1, 1, 1])
      .slice(1)
      .map((line) => ({
        ...line,
        pid: 2,
        zeroMs: 1_000,
        heard: [1_000, 0] as [number, number],
        atMs: 1_000,
      }));
    const { steps: made } = summarise(profiledRun([...first, ...again], false));
    expect(made.map(({ step }) => [step.step, step.timeline])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
  });

  it("has no critical path where several steps are under way at a time, and the times of processes all the same", () => {
    const { medianStep, culprits, slow, processes } = summarise(profiledRun(steps([20, 20, 90]), true));
    expect([medianStep, culprits, slow]).toEqual([undefined, [], []]);
    expect(processes.map(({ process }) => process)).toEqual(["worker-0", "shard-0"]);
  });

  it("can be cut to its newest spans, with the steps that they are of", () => {
    const run = profiledRun(steps([20, 20, 20, 20]), false);
    const { steps: all } = summarise(run);
    expect(newestPart(run, all, 24)).toEqual({ run, steps: all });
    // Six spans to a step: of step 2 its first one is left out, and so is the step.
    const part = newestPart(run, all, 11);
    expect(part.steps.map(({ step }) => step.step)).toEqual([3]);
    expect(part.run.tracks.flatMap(({ spans }) => spans)).toHaveLength(11);
  });
});
