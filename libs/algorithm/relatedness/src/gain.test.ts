import { loadArithmetic } from "@latentweave/arithmetic";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateGain, negativeTransferRate, relativeGain } from "./gain.ts";

const arithmetic = loadArithmetic();

describe("the gain of a task", () => {
  it("is above 0 where it is better, whichever way the figure goes", () => {
    expect(relativeGain(0.9, 1, true)).toBeCloseTo(0.1, 12);
    expect(relativeGain(0.9, 1, false)).toBeCloseTo(-0.1, 12);
    expect(relativeGain(1, 0, true)).toBeNaN();
  });

  it("of pairs is the mean of theirs, with the spread of theirs alone", () => {
    // Seeds differ a lot, the two sides of a seed always by a tenth.
    const pair = { lowerIsBetter: true, own: [0.9, 1.8, 9], baseline: [1, 2, 10] };
    const { mean, interval } = estimateGain([pair], true, arithmetic);
    expect(mean).toBeCloseTo(0.1, 12);
    expect(interval?.[1]).toBeCloseTo(0.1, 9);
  });

  it("of sides that vary for themselves has the derivatives' spread", () => {
    const own = [1, 2, 3];
    const baseline = [4, 5, 6];
    const { mean, standardError } = estimateGain(
      [{ lowerIsBetter: false, own, baseline }],
      false,
      arithmetic,
    );
    expect(mean).toBeCloseTo(2 / 5 - 1, 12);
    // Var(m/b) ≈ (σ_m²/n)/b² + (σ_b²/n)·m²/b⁴, with σ² = 1, n = 3.
    expect(standardError).toBeCloseTo(Math.sqrt(1 / 3 / 25 + (1 / 3) * (4 / 625)), 12);
  });

  it("counts tasks alike, however many figures they have", () => {
    const one = (own: number, weight: number) => ({
      lowerIsBetter: false,
      own: [own],
      baseline: [1],
      weight,
    });
    const { mean } = estimateGain([one(1.4, 1), one(1.1, 0.5), one(1.3, 0.5)], true, arithmetic);
    expect(mean).toBeCloseTo((0.4 + 0.2) / 2, 12);
  });

  it("does not depend on the figures' unit", () => {
    const figure = fc.array(fc.double({ min: 0.1, max: 9, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(
        figure,
        figure,
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.boolean(),
        (own, baseline, unit, paired) => {
          const pair = { lowerIsBetter: true, own, baseline };
          const scaled = { ...pair, own: own.map((x) => x * unit), baseline: baseline.map((x) => x * unit) };
          const [a, b] = [pair, scaled].map((one) => estimateGain([one], paired, arithmetic));
          expect(b?.mean).toBeCloseTo(a?.mean ?? Number.NaN, 8);
          expect(b?.standardError).toBeCloseTo(a?.standardError ?? Number.NaN, 6);
        },
      ),
    );
  });
});

describe("the rate of negative transfer", () => {
  const estimate = (low: number, high: number) => ({
    ...{ mean: (low + high) / 2, n: 3, standardError: 1 },
    interval: [low, high] as const,
  });

  it("counts the tasks whose whole interval is below 0", () => {
    expect(
      negativeTransferRate([estimate(-3, -1), estimate(-2, 1), estimate(0.5, 1), estimate(-9, -0.1)]),
    ).toBe(0.5);
  });

  it("is not known where chance is not", () => {
    expect(negativeTransferRate([{ mean: -1, n: 1, standardError: null, interval: null }])).toBeNull();
  });
});
