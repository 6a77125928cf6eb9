import { loadArithmetic } from "@latentweave/arithmetic";
import type { GuardSpec, RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { createCombineRule } from "./combine-rule.ts";

const arithmetic = loadArithmetic();

function ruleOf(
  guard: Partial<GuardSpec>,
  combiner: RunSpec["combiner"] = { name: "sum", options: {} },
  restored?: string,
): ReturnType<typeof createCombineRule> {
  const own = ["a", "b", "c"].map((name) => ({ name, weight: 1 }));
  const tasks = [...own, ...own.map(({ name }) => ({ name: `${name}-alone`, baselineOf: name, weight: 1 }))];
  const rule: GuardSpec = { action: "branch", tolerance: 0.01, patience: 1, fromStep: 0, ...guard };
  return createCombineRule(
    { seed: 0, tasks, combiner, guard: rule } as unknown as RunSpec,
    arithmetic,
    restored,
  );
}

/** Of a, b and c, and then of their baselines. */
const losses = [1, 1.2, 1, 1, 1, 1];
const mgda = { name: "mgda", options: { normalise: "none" } };

/** Gradients (1, 0), (0, 2), (1, 1) of the shared parameters; baselines have none. */
function gram(): Float64Array {
  const gradients = [[1, 0], [0, 2], [1, 1], [0, 0], [0, 0], [0, 0]]; // prettier-ignore
  return Float64Array.from(
    gradients.flatMap((a) => gradients.map((b) => (a[0] ?? 0) * (b[0] ?? 0) + (a[1] ?? 0) * (b[1] ?? 0))),
  );
}

describe("a guarded rule", () => {
  it("gives baselines the weight 1, and a combiner the job's own tasks alone", () => {
    const rule = ruleOf({}, { name: "mean", options: {} });
    expect(rule.solve({ gram: undefined, losses, step: 0 })).toEqual([1 / 3, 1 / 3, 1 / 3, 1, 1, 1]);
  });

  it("takes who has left out of the combiner's problem, from the very step at which it was decided", () => {
    const rule = ruleOf({ action: "detach" }, mgda);
    expect(rule.watch?.({ losses, step: 10, last: false })).toMatchObject([{ task: 1, action: "detach" }]);
    // Of (1, 0) and (1, 1) the shortest in the hull is (1, 0).
    const weights = rule.solve({ gram: gram(), losses, step: 10 });
    expect(weights[0]).toBeCloseTo(1, 9);
    expect(weights[1]).toBe(0);
    expect(weights[2]).toBeCloseTo(0, 9);
  });

  it("multiplies what the combiner gives where weights are changed", () => {
    const rule = ruleOf({ action: "reweight", factor: 3, most: 5 });
    rule.watch?.({ losses, step: 10, last: false });
    expect(rule.solve({ gram: undefined, losses, step: 10 })).toEqual([1, 3, 1, 1, 1, 1]);
    rule.watch?.({ losses, step: 20, last: false });
    expect(rule.solve({ gram: undefined, losses, step: 20 })).toEqual([1, 5, 1, 1, 1, 1]);
  });

  it("has something to say when everybody has left", () => {
    const rule = ruleOf({ teaches: false }, mgda);
    rule.watch?.({ losses: [2, 2, 2, 1, 1, 1], step: 10, last: false });
    expect(rule.solve({ gram: gram(), losses, step: 10 })).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it("goes on from its state as JSON, the combiner's in it", () => {
    const famo = { name: "famo", options: { learningRate: 0.025, decay: 0.001, leastLoss: 0 } };
    const guard = { patience: 2, teaches: false };
    const whole = ruleOf(guard, famo);
    const steps = [
      losses,
      [0.9, 1.1, 0.8, 1, 1, 1],
      [0.7, 1, 0.7, 0.9, 0.9, 0.9],
      [0.6, 1, 0.6, 0.8, 0.8, 0.8],
    ];
    const take = (rule: typeof whole, step: number): unknown => {
      const own = steps[step] as number[];
      const decisions = rule.watch?.({ losses: own, step, last: false });
      return { decisions, weights: rule.solve({ gram: undefined, losses: own, step }) };
    };
    const all = steps.map((_, step) => take(whole, step));
    expect(all[1]).toMatchObject({ decisions: [{ task: 1 }] });
    const before = ruleOf(guard, famo);
    take(before, 0);
    const after = ruleOf(guard, famo, before.state());
    expect([1, 2, 3].map((step) => take(after, step))).toEqual(all.slice(1));
    expect(after.state()).toBe(whole.state());
  });

  it("leaves no trace of the closing evaluation, which may be repeated", () => {
    const rule = ruleOf({});
    const state = rule.state();
    const closing = { losses, step: 40, last: true };
    const decisions = rule.watch?.(closing);
    expect(decisions).toMatchObject([{ task: 1, action: "branch", factor: 1 }]);
    expect(rule.state()).toBe(state);
    expect(rule.watch?.(closing)).toEqual(decisions);
  });
});
