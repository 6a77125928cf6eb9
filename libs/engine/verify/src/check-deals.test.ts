import type { RunSpec } from "@latentweave/plan";
import type { CommitRecord, Deal } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createDealCheck } from "./check-deals.ts";

const tasks = ["a", "b"].map((name) => ({ name, slots: 2, microBatch: 8, evaluationShardRows: [4] }));
const spec = {
  tasks,
  phases: [{ steps: 20, graphs: tasks.map(({ name }) => ({ task: name })) }],
  evaluation: { everySteps: 5, split: "validation", microBatch: 4 },
  checkpointEverySteps: 0,
  sampling: { samples: 32, shares: [0.5, 0.5], most: [16, 16], strength: 1, limit: 4 },
} as unknown as RunSpec;

/** Four samples each, evaluated in round 0. */
function commit(step: number, losses: readonly number[], deal?: Deal): CommitRecord {
  return {
    step,
    tasks: tasks.map(({ name }, at) => ({
      ...{ task: name, round: 0, samples: 4, metrics: { loss: 4 * (losses[at] ?? 0) } },
    })),
    ...(deal && { deal }),
  } as unknown as CommitRecord;
}

const first: Deal = { from: 6, shares: [0.5, 0.5], rows: [8, 8], read: [48, 48] };
const second: Deal = { from: 11, shares: [0.25, 0.75], rows: [4, 12], read: [88, 88] };

describe("what tasks are recorded to have", () => {
  it("follows from the recorded losses, and is what the steps after them are held against", () => {
    const check = createDealCheck(spec);
    expect(check.at(5)).toEqual({ from: 0, shares: [0.5, 0.5], rows: [8, 8], read: [0, 0] });
    expect(check.note(commit(5, [3, 1], first))).toBeUndefined();
    expect(check.note(commit(6, [9, 9]))).toBeUndefined();
    expect(check.note(commit(10, [1, 1], second))).toBeUndefined();
    expect(check.at(10)).toEqual(first);
    expect(check.at(11)).toEqual(second);
    // The closing evaluation.
    expect(check.note(commit(20, [9, 1]))).toBeUndefined();
  });

  it("is a problem where it is another one, or is missing", () => {
    const check = createDealCheck(spec);
    check.note(commit(5, [3, 1], first));
    expect(check.note(commit(10, [1, 1], { ...second, rows: [5, 12] }))).toContain(
      'it is recorded that tasks have {"from":11,"shares":[0.25,0.75],"rows":[5,12]',
    );
    expect(createDealCheck(spec).note(commit(5, [3, 1]))).toContain(
      'have what they had, by the losses it is {"from":6',
    );
    const { sampling, ...plain } = spec;
    expect(sampling).toBeDefined();
    expect(createDealCheck(plain).note(commit(5, [3, 1], first))).toBe(
      "a deal, in a job where every step has the same samples",
    );
    expect(createDealCheck(plain).at(7)).toBeUndefined();
  });

  it("is made again where steps are computed again", () => {
    const check = createDealCheck(spec);
    check.note(commit(5, [3, 1], first));
    check.note(commit(10, [1, 1], second));
    check.begin({ fromVersion: 8 });
    expect(check.at(8)).toEqual(first);
    expect(check.note(commit(10, [1, 1], second))).toBeUndefined();
  });
});
