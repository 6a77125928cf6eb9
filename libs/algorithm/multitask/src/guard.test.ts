import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginGuard, type GuardDecision, type GuardRule, type GuardState, judge } from "./guard.ts";

const branch: GuardRule = { action: "branch", tolerance: 0.01, patience: 3, fromStep: 0 };

/** One task, whose baseline's loss is always 1. */
function watch(
  rule: GuardRule,
  losses: readonly number[],
  last = false,
): { readonly state: GuardState; readonly decided: readonly (GuardDecision & { readonly step: number })[] } {
  let state = beginGuard(1);
  const decided: (GuardDecision & { step: number })[] = [];
  for (const [index, loss] of losses.entries()) {
    const step = 10 * (index + 1);
    const judged = judge(rule, state, {
      step,
      last: last && index === losses.length - 1,
      losses: [{ loss, baseline: 1 }],
    });
    state = judged.state;
    decided.push(...judged.decisions.map((decision) => ({ ...decision, step })));
  }
  return { state, decided };
}

describe("the guard", () => {
  it("moves a task that was harmed at every one of `patience` evaluations to its branch, for good", () => {
    const { state, decided } = watch(branch, [1.05, 1.05, 1.05, 0.5]);
    expect(decided).toEqual([
      { step: 30, task: 0, action: "branch", harm: expect.closeTo(0.05, 12) as number, factor: 1 },
    ]);
    expect(state).toEqual([{ factor: 1, left: true, harms: [] }]);
  });

  it("takes its gradient from what is shared where the job says so, and where it is detached", () => {
    const harmed = [1.05, 1.05, 1.05];
    expect(watch({ ...branch, teaches: false }, harmed).state).toMatchObject([{ factor: 0, left: true }]);
    expect(watch({ ...branch, action: "detach" }, harmed).state).toMatchObject([{ factor: 0, left: true }]);
  });

  it("waits while the mean is within two standard errors of the tolerance", () => {
    // Harms 0.10, −0.06, 0.08: mean 0.04, standard error 0.0503.
    expect(watch(branch, [1.1, 0.94, 1.08]).decided).toEqual([]);
    // 0.05, 0.04, 0.06: mean 0.05, standard error 0.00577; 0.05 − 0.0115 is above 0.01.
    expect(watch(branch, [1.05, 1.04, 1.06]).decided).toHaveLength(1);
    expect(watch({ ...branch, tolerance: 0.04 }, [1.05, 1.04, 1.06]).decided).toEqual([]);
  });

  it("only watches before its first step, and judges what it saw there", () => {
    const { decided } = watch({ ...branch, fromStep: 35 }, [1.2, 1.2, 1.2, 1.2]);
    expect(decided.map(({ step }) => step)).toEqual([40]);
  });

  it("decides at the last evaluation by that one alone", () => {
    expect(watch(branch, [0.9, 0.9, 1.02], true).decided).toMatchObject([{ step: 30, action: "branch" }]);
    expect(watch(branch, [1.02], true).decided).toHaveLength(1);
    expect(watch(branch, [1.2, 1.005], true).decided).toEqual([]);
    expect(watch({ ...branch, action: "detach" }, [1.02], true).decided).toEqual([]);
  });

  it("multiplies a weight, again after `patience` further evaluations, and never above the most", () => {
    const rule: GuardRule = { ...branch, action: "reweight", patience: 2, factor: 3, most: 7 };
    const { state, decided } = watch(
      rule,
      Array.from({ length: 9 }, () => 2),
    );
    expect(decided.map(({ step, factor }) => [step, factor])).toEqual([
      [20, 3],
      [40, 7],
    ]);
    expect(state[0]?.factor).toBe(7);
  });

  it("takes a loss that is no number for harm, and a baseline that is none for nothing to compare with", () => {
    const step = { step: 1, last: false };
    const once: GuardRule = { ...branch, patience: 1 };
    const of = (loss: number, baseline: number): readonly GuardDecision[] =>
      judge(once, beginGuard(1), { ...step, losses: [{ loss, baseline }] }).decisions;
    expect(of(Number.NaN, 1)).toMatchObject([{ harm: 1e6 }]);
    expect(of(1, Number.NaN)).toEqual([]);
    expect(of(1, 0)).toMatchObject([{ harm: 1e6 }]);
    expect(of(0, 0)).toEqual([]);
    // A negative log-likelihood may be below zero: −1 is worse than −2.
    expect(of(-1, -2)).toMatchObject([{ harm: 0.5 }]);
    expect(judge(once, beginGuard(1), { ...step, losses: [undefined] }).decisions).toEqual([]);
  });

  it("never touches a task that is not worse than alone, and goes on from its state as JSON", () => {
    const loss = fc.double({ min: 0.1, max: 4, noNaN: true });
    const rules = fc.record({
      action: fc.constantFrom("branch", "detach", "reweight"),
      tolerance: fc.double({ min: 0, max: 0.2, noNaN: true }),
      patience: fc.integer({ min: 1, max: 4 }),
      fromStep: fc.integer({ min: 0, max: 5 }),
      factor: fc.constant(2),
      most: fc.constant(8),
    }) as fc.Arbitrary<GuardRule>;
    fc.assert(
      fc.property(rules, fc.array(fc.tuple(loss, loss), { minLength: 1, maxLength: 12 }), (rule, series) => {
        let state = beginGuard(2);
        for (const [step, [baseline, other]] of series.entries()) {
          const last = step === series.length - 1;
          const losses = [
            { loss: Math.min(baseline, other), baseline },
            { loss: other, baseline },
          ];
          const judged = judge(rule, state, { step, last, losses });
          const again = judge(rule, JSON.parse(JSON.stringify(state)) as GuardState, { step, last, losses });
          expect(again).toEqual(judged);
          expect(judged.decisions.filter(({ task }) => task === 0)).toEqual([]);
          expect(judged.decisions.every(({ harm }) => harm > rule.tolerance)).toBe(true);
          state = judged.state;
        }
        expect(state[0]).toMatchObject({ factor: 1, left: false });
      }),
    );
  });
});
