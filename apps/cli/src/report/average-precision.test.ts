import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { meanAveragePrecision } from "./average-precision.ts";

const nan = Number.NaN;

describe("mean average precision", () => {
  it("is scikit-learn's on its documented example", () => {
    const scores = Float32Array.of(0.1, 0.4, 0.35, 0.8);
    // average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) is 0.83...
    expect(meanAveragePrecision(scores, [0, 0, 1, 1], 1)).toBeCloseTo(5 / 6, 12);
  });

  it("counts rows of one score together", () => {
    expect(meanAveragePrecision(Float32Array.of(1, 1, 1, 1), [1, 0, 0, 0], 1)).toBe(0.25);
  });

  it("is the mean over the labels that are somewhere, of rows where they are known", () => {
    const scores = Float32Array.of(3, 0, 9, 2, 1, 9, 1, 2, 9);
    const labels = [1, 0, 0, nan, 1, 0, 0, 0, 0];
    // The first label leads; the second is second of three; the third is nowhere.
    expect(meanAveragePrecision(scores, labels, 3)).toBeCloseTo((1 + 1 / 2) / 2, 12);
    expect(meanAveragePrecision(scores, labels.fill(0), 3)).toBeNull();
  });

  it("does not depend on the order of rows, nor on what scores are but for their order", () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.constantFrom(0, 1)), { minLength: 1 });
    fc.assert(
      fc.property(rows, (given) => {
        const of = (all: typeof given, change = (score: number): number => score): number | null =>
          meanAveragePrecision(
            Float32Array.from(all, ([score]) => change(score)),
            all.map(([, label]) => label),
            1,
          );
        const value = of(given);
        expect(of(given.toReversed())).toBe(value);
        expect(of(given, (score) => 3 * score - 1)).toBe(value);
        if (value !== null) expect(value > 0 && value <= 1).toBe(true);
      }),
    );
  });
});
