import type { RunSpec } from "@latentweave/plan";
import type { CommitRecord } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createGuardCheck } from "./check-guard.ts";

const tasks = [
  { name: "a" },
  { name: "b" },
  { name: "a-alone", baselineOf: "a" },
  { name: "b-alone", baselineOf: "b" },
].map((task) => ({ ...task, slots: 1, microBatch: 1, evaluationShardRows: [4] }));
const spec = {
  tasks,
  phases: [{ steps: 20, graphs: tasks.map(({ name }) => ({ task: name })) }],
  evaluation: { everySteps: 5, split: "validation", microBatch: 4 },
  checkpointEverySteps: 0,
  guard: { action: "branch", tolerance: 0.1, patience: 2, fromStep: 0 },
} as unknown as RunSpec;

/** Four samples each, evaluated in round 0. */
function commit(step: number, losses: readonly number[], guard?: CommitRecord["guard"]): CommitRecord {
  return {
    step,
    tasks: tasks.map(({ name }, at) => ({
      ...{ task: name, round: 0, samples: 4, metrics: { loss: 4 * (losses[at] ?? 0) } },
    })),
    ...(guard && { guard }),
  } as unknown as CommitRecord;
}

const harmed = [1.5, 1, 1, 1];
const decision = { task: "a", action: "branch", harm: 0.5, factor: 1 } as const;

describe("what the guard is recorded to have decided", () => {
  it("follows from the recorded losses", () => {
    const check = createGuardCheck(spec);
    expect(check.note(commit(5, harmed))).toBeUndefined();
    expect(check.note(commit(6, harmed))).toBeUndefined();
    expect(check.note(commit(10, harmed, [decision]))).toBeUndefined();
    expect(check.note(commit(15, harmed))).toBeUndefined();
    expect(check.note(commit(20, [1.5, 2, 1, 1], [{ ...decision, task: "b", harm: 1 }]))).toBeUndefined();
  });

  it("is a problem where it is another one, or is missing", () => {
    const check = createGuardCheck(spec);
    check.note(commit(5, harmed));
    expect(check.note(commit(10, harmed))).toContain(
      'recorded to have decided [], by the losses it is [{"task":"a"',
    );
    const other = createGuardCheck(spec);
    expect(other.note(commit(5, harmed, [decision]))).toContain("by the losses it is []");
    expect(
      createGuardCheck({ ...spec, guard: undefined } as unknown as RunSpec).note(
        commit(5, harmed, [decision]),
      ),
    ).toBe("decisions of a guard that the job has not");
  });

  it("is made again where steps are computed again", () => {
    const check = createGuardCheck(spec);
    check.note(commit(5, harmed));
    check.note(commit(10, harmed, [decision]));
    check.begin({ fromVersion: 8 });
    expect(check.note(commit(10, harmed, [decision]))).toBeUndefined();
  });
});
