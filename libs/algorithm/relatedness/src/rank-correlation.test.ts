import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rankAgreement, ranksOf, spearman } from "./rank-correlation.ts";

describe("ranks", () => {
  it("are shared by equal values", () => {
    expect(ranksOf([10, 30, 20, 30, 30])).toEqual([1, 4, 2, 4, 4]);
  });
});

describe("Spearman's rank correlation", () => {
  it("is 1 − 6Σd²/(n(n²−1)) without ties", () => {
    // d = 0, 1, −1, 1, −1.
    expect(spearman([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])).toBeCloseTo(1 - (6 * 4) / (5 * 24), 12);
  });

  it("is Pearson's of shared ranks with ties", () => {
    expect(spearman([1, 2, 2, 4], [1, 3, 2, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
  });

  it("is not defined where nothing varies", () => {
    expect(spearman([1, 1, 1], [1, 2, 3])).toBeNull();
  });

  it("stays within ±1, turns with a side, and sees only the order", () => {
    const list = fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 4, maxLength: 12 });
    fc.assert(
      fc.property(list, (values) => {
        const other = values.map((value, at) => (at % 2 === 0 ? value : -value));
        const rho = spearman(values, other);
        if (rho === null) return;
        expect(Math.abs(rho)).toBeLessThanOrEqual(1 + 1e-12);
        expect(
          spearman(
            values,
            other.map((value) => -value),
          ),
        ).toBeCloseTo(-rho, 12);
        expect(
          spearman(
            values.map((value) => value * value * value),
            other,
          ),
        ).toBeCloseTo(rho, 12);
      }),
    );
  });
});

describe("how well a score ranks pairs", () => {
  const tasks = 5;
  const pairs = Array.from({ length: tasks * tasks }, (_, at) => ({
    from: Math.floor(at / tasks),
    to: at % tasks,
  }))
    .filter(({ from, to }) => from !== to)
    .map(({ from, to }) => ({ from, to, measured: (from * 7 + to * 3) % 11 }));

  it("is 1 without error for the measurement itself", () => {
    const same = pairs.map((pair) => ({ ...pair, score: pair.measured }));
    expect(rankAgreement(same, tasks)).toMatchObject({ pairs: 20 });
    expect(rankAgreement(same, tasks).spearman).toBeCloseTo(1, 12);
    expect(rankAgreement(same, tasks).standardError).toBeCloseTo(0, 12);
  });

  it("has an error by leaving out one task after the other", () => {
    const other = pairs.map((pair, at) => ({ ...pair, score: pair.measured + (at % 3) * 4 }));
    const without = Array.from({ length: tasks }, (_, task) => {
      const left = other.filter(({ from, to }) => from !== task && to !== task);
      return (
        spearman(
          left.map(({ score }) => score),
          left.map(({ measured }) => measured),
        ) ?? 0
      );
    });
    const mean = without.reduce((sum, value) => sum + value, 0) / tasks;
    const squares = without.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    expect(rankAgreement(other, tasks).standardError).toBeCloseTo(Math.sqrt((squares * 4) / 5), 12);
  });

  it("has no error that could be known below four tasks", () => {
    const few = pairs
      .filter(({ from, to }) => from < 3 && to < 3)
      .map((pair) => ({ ...pair, score: pair.to }));
    expect(rankAgreement(few, 3).standardError).toBeNull();
  });
});
