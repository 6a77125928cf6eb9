import { describe, expect, it } from "vitest";
import { afterEvaluation, freshEarlyStop, heldOutLoss } from "./held-out.ts";
import { hasEndedEarly, joinLeaderState, splitLeaderState } from "./leader-state.ts";
import { planStep } from "./plan-step.ts";
import type { RunSpec } from "./run-spec.ts";

const after = (losses: readonly number[], patience: number, minDelta = 0) => {
  let state = freshEarlyStop;
  return losses.map((loss) => (state = afterEvaluation({ patience, minDelta }, state, loss)).ended);
};

describe("stopping early", () => {
  it("waits for so many evaluations in a row without a lower loss", () => {
    expect(after([5, 4, 4.5, 4, 3, 3, 3], 2)).toEqual([false, false, false, true, false, false, true]);
    expect(after([5, 4, 4.5, 3.9, 4, 4], 2)).toEqual([false, false, false, false, false, true]);
  });

  it("counts what is lower by less than minDelta as no better, however often", () => {
    expect(after([5, 4.95, 4.9, 4.85], 3, 0.2)).toEqual([false, false, false, true]);
    expect(after([5, 4.95, 4.7, 4.85], 3, 0.2)).toEqual([false, false, false, false]);
  });

  it("takes a loss that is not finite for one that is no better", () => {
    expect(after([Infinity, Infinity, 3, Infinity, Infinity], 3)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(after([Infinity, Infinity, Infinity], 3)).toEqual([false, false, true]);
  });
});

const spec = {
  tasks: [
    { name: "a", weight: 2, slots: 1, microBatch: 1, evaluationShardRows: [4] },
    { name: "b", weight: 1, slots: 1, microBatch: 1, evaluationShardRows: [2] },
  ],
  phases: [
    { steps: 2, graphs: [{ task: "a" }, { task: "b" }] },
    { steps: 2, graphs: [{ task: "a" }, { task: "b" }] },
  ],
  evaluation: { everySteps: 1, split: "validation", microBatch: 4 },
  checkpointEverySteps: 0,
} as unknown as RunSpec;

const records = (losses: Readonly<Record<string, number>>) => [
  ...[
    { task: "a", round: 0, samples: 4 },
    { task: "b", round: 0, samples: 2 },
  ].map((one) => ({
    ...one,
    metrics: one.task in losses ? { loss: losses[one.task] as number } : {},
  })),
  { task: "a", round: 1, samples: 1, metrics: { loss: 99 } },
];

describe("the held-out loss of a step", () => {
  it("is the weighed sum of the tasks' means, of the last phase", () => {
    expect(heldOutLoss(spec, planStep(spec, 2), records({ a: 8, b: 3 }))).toBe(2 * 2 + 1.5);
    expect(heldOutLoss(spec, planStep(spec, 1), records({ a: 8, b: 3 }))).toBeUndefined();
    expect(heldOutLoss(spec, planStep(spec, 2), records({ a: 8 }))).toBe(Number.POSITIVE_INFINITY);
    const never = { ...spec, evaluation: null };
    expect(heldOutLoss(never, planStep(never, 2), [])).toBeUndefined();
  });
});

describe("what the leader remembers", () => {
  it("is kept beside whatever state a combiner has, and changes nothing of it", () => {
    const early = { best: 2.5, since: 1, ended: true };
    const paused = { b: { since: 7, until: null, why: "its loss is NaN" } };
    for (const combiner of ["null", "3", "[1,2]", '{"combiner":1}']) {
      expect(joinLeaderState(combiner, {})).toBe(combiner);
      expect(splitLeaderState(combiner)).toEqual({ combiner, state: {} });
      const text = joinLeaderState(combiner, { paused, early });
      expect(splitLeaderState(text)).toEqual({ combiner, state: { paused, early } });
      expect([hasEndedEarly(text), hasEndedEarly(combiner), hasEndedEarly(undefined)]).toEqual([
        true,
        false,
        false,
      ]);
    }
  });
});
