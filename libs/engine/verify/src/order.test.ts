import { loadArithmetic } from "@latentweave/arithmetic";
import type { RunSpec } from "@latentweave/plan";
import type { CommitRecord, TimelineRecord } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createCommitCheck } from "./check-commit.ts";
import { createPlannedOnce } from "./planned-once.ts";
import { madeCommit, madeLayout, madeSpec } from "./testing/made-run.ts";

const specOf = (mode: RunSpec["mode"]): RunSpec => ({ ...madeSpec, ...(mode && { mode }) });
const faultsOf = (mode: RunSpec["mode"], commit: CommitRecord): string[] =>
  createCommitCheck(specOf(mode), madeLayout, loadArithmetic()).faults(commit);
/** Step `step` as if it had applied planned step `planned`, computed on version `basis`. */
function ordered(step: number, planned: number, basis: number, rateShare = 1): CommitRecord {
  const { version, phase, learningRate } = madeCommit(step);
  const { tasks } = madeCommit(planned);
  const order = { planned, basis, givenUp: [] };
  return { ...madeCommit(step), version, phase, tasks, learningRate: learningRate * rateShare, order };
}
const stale = { kind: "stale", bound: 2 } as const;

describe("a commit of a mode with an order", () => {
  it("is believed when it applies what was planned, in any order and within the bound", () => {
    // Steps 3 and 6 evaluate as well.
    for (const [step, planned, basis] of [
      [4, 4, 4],
      [4, 6, 2],
      [3, 1, 1],
    ] as const)
      expect(faultsOf(stale, ordered(step, planned, basis))).toEqual([]);
    expect(faultsOf({ kind: "async" }, ordered(8, 5, 2, 1 / 7))).toEqual([]);
    expect(faultsOf(stale, ordered(9, 9, 9))).toEqual([]);
  });

  it.each<[string, RunSpec["mode"], CommitRecord, RegExp]>([
    ["is older than the bound", stale, ordered(6, 5, 3), /computed on version 3, 3 before.*allows 2/],
    [
      "was computed on weights to come",
      stale,
      ordered(4, 4, 5),
      /applied to version 4, and computed on version 5/,
    ],
    ["names no planned step", stale, madeCommit(4), /does not say which planned step/],
    [
      "names one that there is not",
      stale,
      { ...madeCommit(4), order: { planned: 12, basis: 4, givenUp: [] } },
      /planned step 12 is none/,
    ],
    [
      "has the tasks of another planned step",
      stale,
      { ...ordered(4, 4, 4), tasks: madeCommit(6).tasks },
      /tasks recorded/,
    ],
    ["makes a whole step of what is stale", { kind: "async" }, ordered(8, 5, 2), /the learning rate/],
    [
      "evaluates the last weights before they are there",
      stale,
      ordered(4, 9, 4),
      /closing evaluation is recorded as step 4/,
    ],
    ["names a planned step in a mode without an order", undefined, ordered(4, 4, 4), /no question/],
  ])("is not when it %s", (_, mode, commit, what) => {
    expect(faultsOf(mode, commit).join("\n")).toMatch(what);
  });
});

describe("all commits together", () => {
  it("apply no planned step twice, but for what a later timeline makes void", () => {
    const once = createPlannedOnce();
    for (const [step, planned] of [
      [0, 1],
      [1, 0],
      [2, 3],
    ] as const)
      expect(once.note(ordered(step, planned, step))).toBeUndefined();
    expect(once.note(ordered(3, 1, 3))).toBe("planned step 1 was applied already, by step 0");
    once.begin({ fromVersion: 2 } as TimelineRecord);
    expect(once.note(ordered(2, 2, 2))).toBeUndefined();
    expect(once.note(ordered(3, 3, 1))).toMatch(/version 1, of before this timeline began at version 2/);
  });
});
