import { loadArithmetic } from "@latentweave/arithmetic";
import type { RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { createCombineRule } from "./combine-rule.ts";
import { combinedNormSquared } from "./products.ts";
import { createThinned } from "./thinned.ts";

const arithmetic = loadArithmetic();

function ruleOf(
  combiner: RunSpec["combiner"],
  weights: readonly number[],
  restored?: string,
): ReturnType<typeof createCombineRule> {
  const tasks = weights.map((weight, index) => ({ name: `t${index}`, weight }));
  return createCombineRule({ seed: 0, tasks, combiner } as unknown as RunSpec, arithmetic, restored);
}

describe("the rule that combines", () => {
  it("shows a method the losses whose gradients it combines: the tasks' weights are in them", () => {
    const rule = ruleOf({ name: "si", options: {} }, [1, 4]);
    expect(rule.solve({ gram: undefined, losses: [0.5, 0.5], step: 0 })).toEqual([2, 0.5]);
    expect(rule.warning?.()).toBeUndefined();
  });

  it("warns of a step that was taken with other weights, and of no other", () => {
    const rule = ruleOf({ name: "si", options: {} }, [1, 1]);
    expect(rule.solve({ gram: undefined, losses: [0.5, 0], step: 7 })).toEqual([1, 1]);
    expect(rule.warning?.()).toBe(
      "step 7: si: the loss of task 2 is 0, not above 0; the sum of the gradients was taken in its place",
    );
    rule.solve({ gram: undefined, losses: [0.5, 1], step: 8 });
    expect(rule.warning?.()).toBeUndefined();
  });

  it("shows a method the mean of the others' losses for a task that is left out, and gives it no weight", () => {
    const rule = ruleOf({ name: "si", options: {} }, [1, 1, 1]);
    const losses = [0.5, Number.NaN, 0.25];
    expect(rule.solve({ gram: undefined, losses, step: 0, leftOut: new Set([1]) })).toEqual([2, 0, 4]);
    expect(rule.warning?.()).toBeUndefined();
  });

  it("makes weights in every so manieth step alone, from a state in JSON too, and holds them in between", () => {
    const combiner = { name: "nash-mtl", options: {}, everySteps: 3 };
    const rule = ruleOf(combiner, [1, 1]);
    expect([0, 1, 2, 3].map((step) => rule.needsGram(step))).toEqual([true, false, false, true]);
    const weightsAt = (of: typeof rule, step: number, first: number): readonly number[] =>
      of.solve({
        gram: of.needsGram(step) ? Float64Array.of(first, 0, 0, 1) : undefined,
        ...{ losses: [1, 1], step },
      });
    const early = ruleOf(combiner, [1, 1]);
    expect(weightsAt(early, 1, 9), "in modes with an order").toEqual([1, 1]);
    const made = weightsAt(rule, 0, 16);
    expect(made[1]).toBeCloseTo(4 * (made[0] as number), 6);
    expect(weightsAt(rule, 1, 9)).toEqual(made);
    const again = ruleOf(combiner, [1, 1], rule.state());
    expect(weightsAt(again, 2, 9)).toEqual(made);
    expect(again.solve({ gram: undefined, losses: [1, 1], step: 2, leftOut: new Set([0]) })).toEqual([
      0,
      made[1],
    ]);
    expect(weightsAt(again, 3, 9)).toEqual(weightsAt(rule, 3, 9));
    expect(weightsAt(again, 4, 1)).not.toEqual(made);
  });

  it("goes on from a state in JSON to the same numbers", () => {
    const famo = { name: "famo", options: { learningRate: 0.025, decay: 0.001, leastLoss: 0 } };
    const losses = [
      [1, 2],
      [0.7, 1.9],
      [0.6, 1.5],
      [0.55, 1.4],
    ];
    const whole = ruleOf(famo, [1, 1]);
    const all = losses.map((own, step) => whole.solve({ gram: undefined, losses: own, step }));
    const before = ruleOf(famo, [1, 1]);
    before.solve({ gram: undefined, losses: losses[0] ?? [], step: 0 });
    before.solve({ gram: undefined, losses: losses[1] ?? [], step: 1 });
    const after = ruleOf(famo, [1, 1], before.state());
    expect(after.solve({ gram: undefined, losses: losses[2] ?? [], step: 2 })).toEqual(all[2]);
    expect(after.solve({ gram: undefined, losses: losses[3] ?? [], step: 3 })).toEqual(all[3]);
  });
});

describe("the norm of the combined gradient", () => {
  const products = { shared: Float64Array.of(1, 0.5, 0.5, 2), own: Float64Array.of(3, 0, 0, 5) };

  it("has the private gradients as they are, or weighed where they are scaled", () => {
    // 4·1 + 2·(−2)·½ + 1·2 = 4, and 3 + 5, or 4·3 + 1·5.
    expect(combinedNormSquared(products, [2, -1])).toBe(12);
    expect(combinedNormSquared(products, [2, -1], true)).toBe(21);
  });
});

describe("a thinned log", () => {
  it("passes on the first, and then ever fewer, with their number", () => {
    const said: string[] = [];
    const warn = createThinned((text) => said.push(text));
    for (let step = 0; step < 9; step++) warn(`step ${step}`);
    expect(said).toEqual([
      "warning: step 0",
      "warning (2 so far): step 1",
      "warning (4 so far): step 3",
      "warning (8 so far): step 7",
    ]);
  });
});
