import { randomKey } from "@latentweave/arithmetic";
import type { CombinerName } from "@latentweave/job";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CombinerConfig, CombinerState } from "../combiner.ts";
import { ask } from "../testing/ask.ts";

/** The weights that a method gives to these losses, step after step, its state through JSON in between as on the leader. */
function weightsOver(
  name: CombinerName,
  steps: readonly (readonly number[])[],
  options: CombinerConfig = {},
  rowsAt: (step: number) => readonly (readonly number[])[] = () => [],
): number[][] {
  let state: CombinerState | undefined;
  return steps.map((losses, step) => {
    const rows = rowsAt(step);
    const solved = ask(name, {
      rows: rows.length > 0 ? rows : losses.map(() => [1]),
      losses,
      options,
      step,
      ...(state !== undefined && { state }),
    });
    state = JSON.parse(JSON.stringify(solved.state)) as CombinerState;
    expect(solved.warning).toBeUndefined();
    return [...solved.weights];
  });
}

function expectClose(actual: readonly number[] | undefined, expected: readonly number[], digits = 10): void {
  expect(actual).toEqual(expected.map((value) => expect.closeTo(value, digits) as number));
}

const positive = fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 6 });

describe("si", () => {
  it("weighs a loss by its inverse: the gradient of Σ log L", () => {
    expect(weightsOver("si", [[2, 0.25]])).toEqual([[0.5, 4]]);
  });
});

describe("gls", () => {
  it("has the gradient of the geometric mean", () => {
    fc.assert(
      fc.property(positive, (losses) => {
        const mean = (of: readonly number[]): number =>
          Math.exp(of.reduce((sum, x) => sum + Math.log(x), 0) / of.length);
        const [weights] = weightsOver("gls", [losses]);
        losses.forEach((loss, t) => {
          const h = 1e-6 * loss;
          const moved = (by: number): number[] => losses.map((x, i) => (i === t ? x + by : x));
          const slope = (mean(moved(h)) - mean(moved(-h))) / (2 * h);
          expect((weights?.[t] ?? 0) / slope).toBeCloseTo(1, 6);
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe("uw", () => {
  it("begins with s = −0.5 and finds the s at which each loss's own term is least: e^s = L", () => {
    const steps = weightsOver("uw", new Array<number[]>(3000).fill([4, 0.25]), { learningRate: 0.01 });
    expectClose(steps[0], [Math.exp(0.5) / 2, Math.exp(0.5) / 2]);
    // With e^s = L the weight 1/(2e^s) is 1/(2L).
    expectClose(steps.at(-1), [1 / 8, 2], 3);
  });
});

describe("dwa", () => {
  it("weighs all tasks alike for two periods, and then by how slowly they fell", () => {
    const losses = [
      [4, 1],
      [2, 1],
      [1, 2],
      [2, 1],
      [9, 9],
    ];
    const steps = weightsOver("dwa", losses, { everySteps: 2, temperature: 2 });
    expect(steps.slice(0, 4)).toEqual(new Array<number[]>(4).fill([1, 1]));
    // Means 3 → 1.5 and 1 → 1.5: softmax((0.5, 1.5)/2)·2.
    const [a, b] = [Math.exp(0.25), Math.exp(0.75)];
    expectClose(steps[4], [(2 * a) / (a + b), (2 * b) / (a + b)]);
  });

  it("forgets a period when two others are over", () => {
    const losses = [
      [100, 1],
      [2, 1],
      [1, 1],
      [5, 5],
    ];
    const steps = weightsOver("dwa", losses, { everySteps: 1, temperature: 1 });
    const [a, b] = [Math.exp(0.5), Math.exp(1)];
    expectClose(steps[3], [(2 * a) / (a + b), (2 * b) / (a + b)]);
  });
});

describe("rlw", () => {
  it("draws weights of sum 1 that depend on the key alone, about alike in the mean", () => {
    const drawn = Array.from({ length: 400 }, (_, step) => [
      ...ask("rlw", { rows: [[1], [1], [1]], key: randomKey(5, step) }).weights,
    ]);
    expect(ask("rlw", { rows: [[9], [1], [1]], key: randomKey(5, 7) }).weights).toEqual(
      Float64Array.from(drawn[7] ?? []),
    );
    for (const weights of drawn) expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    for (const t of [0, 1, 2]) {
      const mean = drawn.reduce((sum, weights) => sum + (weights[t] ?? 0), 0) / drawn.length;
      expect(Math.abs(mean - 1 / 3)).toBeLessThan(0.05);
    }
  });
});

describe("stch", () => {
  it("is si until the nadir is known, and then has the gradient of the smooth maximum of losses over it", () => {
    const losses = [
      [50, 50],
      [2, 8],
      [4, 8],
      [1.5, 2],
    ];
    const options = { mu: 0.5, warmupSteps: 1, nadirSteps: 2 };
    const steps = weightsOver("stch", losses, options);
    for (const t of [0, 1, 2])
      expectClose(
        steps[t],
        (losses[t] ?? []).map((loss) => 1 / loss),
      );
    const value = (of: readonly number[]): number =>
      2 * 0.5 * Math.log(((of[0] ?? 0) / 3) ** 2 + ((of[1] ?? 0) / 8) ** 2);
    const h = 1e-6;
    const slopes = [
      (value([1.5 + h, 2]) - value([1.5 - h, 2])) / (2 * h),
      (value([1.5, 2 + h]) - value([1.5, 2 - h])) / (2 * h),
    ];
    expectClose(steps[3], slopes, 6);
  });
});

describe("famo", () => {
  it("begins with weights that make all losses fall at one rate: w ∝ 1/L, of sum 1", () => {
    expectClose(weightsOver("famo", [[1, 3]])[0], [0.75, 0.25], 7);
    expectClose(weightsOver("famo", [[-1, 1]], { leastLoss: -2 })[0], [0.75, 0.25], 7);
  });

  it("gives more weight to what fell more slowly", () => {
    const falling = Array.from({ length: 50 }, (_, step) => [0.9 ** step, 0.99 ** step]);
    const shares = weightsOver("famo", falling).map((weights, step) => {
      const [a, b] = weights.map((weight, t) => weight * (falling[step]?.[t] ?? 0)) as [number, number];
      return b / (a + b);
    });
    expect(shares[0]).toBeCloseTo(0.5, 9);
    expect(shares[1]).toBeGreaterThan(0.5);
    shares.slice(1).forEach((share, i) => expect(share).toBeGreaterThan(shares[i] ?? 1));
  });

  it("takes its first step by Adam's rate against z∘(δ − z·δ)", () => {
    const [, second] = weightsOver(
      "famo",
      [
        [1, 1],
        [0.5, 1],
      ],
      { decay: 0, learningRate: 0.1 },
    );
    // δ = (log 2, 0), so ξ becomes (−0.1, +0.1).
    const z = Math.exp(-0.1) / (Math.exp(-0.1) + Math.exp(0.1));
    const [a, b] = [z / 0.5, 1 - z];
    expectClose(second, [a / (a + b), b / (a + b)], 6);
  });
});

describe("gradnorm", () => {
  it("evens out the lengths of gradients whose losses fall alike", () => {
    const rows = [
      [3, 0],
      [0, 1],
    ];
    const steps = weightsOver("gradnorm", new Array<number[]>(400).fill([1, 1]), {}, () => rows);
    expect(steps[0]).toEqual([1, 1]);
    const last = steps.at(-1) ?? [];
    expect(last.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(2, 9);
    expect((3 * (last[0] ?? 0)) / (last[1] ?? 1)).toBeGreaterThan(0.9);
    expect((3 * (last[0] ?? 0)) / (last[1] ?? 1)).toBeLessThan(1.1);
  });

  it("gives more to the task that has learned less", () => {
    const losses = [[1, 1], ...new Array<number[]>(100).fill([0.5, 0.9])];
    const steps = weightsOver("gradnorm", losses, {}, () => [
      [1, 0],
      [0, 1],
    ]);
    const last = steps.at(-1) ?? [];
    expect(last[1]).toBeGreaterThan((last[0] ?? 0) * 1.2);
  });
});

describe("excess-norm", () => {
  it("grows the weight of whose excess has not fallen, at the given rate", () => {
    const rowsAt = (step: number): number[][] => [[step === 0 ? 2 : 0], [2]];
    const steps = weightsOver(
      "excess-norm",
      new Array<number[]>(3).fill([1, 1]),
      { learningRate: 0.5 },
      rowsAt,
    );
    expect(steps[0]).toEqual([1, 1]);
    // Second step: e/e₀ = 0 and 4/√8 ÷ 4/√4 = 1/√2.
    const grown = Math.exp(0.5 * Math.SQRT1_2);
    expectClose(steps[1], [2 / (1 + grown), (2 * grown) / (1 + grown)], 6);
    for (const weights of steps) expect((weights[0] ?? 0) + (weights[1] ?? 0)).toBeCloseTo(2, 12);
  });
});

describe("losses that a method cannot take", () => {
  it.each<[CombinerName, number]>([
    ["si", 1],
    ["gls", 1],
    ["stch", 1],
    ["gradnorm", 1],
    ["famo", 0.5],
  ])("%s weighs all tasks alike for the step, says why, and keeps its state", (name, even) => {
    const rows = [[1], [2]];
    const start = ask(name, { rows, losses: [1, 2] });
    const solved = ask(name, { rows, losses: [1, -2], step: 12, state: start.state });
    expect([...solved.weights]).toEqual([even, even]);
    expect(solved.warning).toMatch(
      new RegExp(`^step 12: ${name}: the loss of task 2 is .*; the (sum|mean) of the gradients`),
    );
    expect(solved.state).toEqual(start.state);
  });
});

describe("gradients that a method cannot take", () => {
  it("imtl-g and config take the mean where gradients cancel each other, and say so", () => {
    for (const name of ["imtl-g", "config"] as const) {
      const { weights, warning } = ask(name, { rows: [[1], [-1]], step: 3 });
      expect([...weights]).toEqual([0.5, 0.5]);
      expect(warning).toMatch(
        new RegExp(`^step 3: ${name}: .*; the mean of the gradients was taken in its place`),
      );
    }
  });

  it("a number that is not finite never becomes a weight", () => {
    const { weights, warning } = ask("mgda", {
      rows: [
        [1e200, 1],
        [1, 1e200],
      ],
      step: 4,
    });
    expect([...weights]).toEqual([0.5, 0.5]);
    expect(warning).toMatch(/^step 4: mgda: .*residual/);
  });
});
