import { loadArithmetic } from "@latentweave/arithmetic";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearCka, type Rows, squaredMmd } from "./latent-similarity.ts";

const arithmetic = loadArithmetic();
const rowsOf = (...rows: readonly number[][]): Rows => ({
  rows: rows.length,
  width: rows[0]?.length ?? 0,
  values: Float32Array.from(rows.flat()),
});

describe("linear CKA", () => {
  it("is (x·y)²/(x·x · y·y) of centred columns", () => {
    expect(linearCka(rowsOf([1], [-1], [0]), rowsOf([5], [4], [3]))).toBeCloseTo(0.25, 12);
  });

  it("of two columns beside one is worked out by hand", () => {
    // YᵀX = [4, 0], ‖XᵀX‖_F = √(4² + 4²), ‖YᵀY‖ = 4.
    const x = rowsOf([1, 1], [1, -1], [-1, 1], [-1, -1]);
    const y = rowsOf([1], [1], [-1], [-1]);
    expect(linearCka(x, y)).toBeCloseTo(16 / (Math.sqrt(32) * 4), 12);
  });

  it("is 0 where columns have nothing in common, and not defined where one does not vary", () => {
    expect(linearCka(rowsOf([1], [-1], [1], [-1]), rowsOf([1], [1], [-1], [-1]))).toBe(0);
    expect(linearCka(rowsOf([2], [2], [2]), rowsOf([1], [2], [3]))).toBeNull();
  });

  it("does not see turning, scaling and moving", () => {
    const point = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }));
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 4, maxLength: 9 }),
        fc.double({ min: 0, max: 6, noNaN: true }),
        (points, angle) => {
          const x = rowsOf(...points.map(([a, b]) => [a, b]));
          const [c, s] = [Math.cos(angle), Math.sin(angle)];
          const turned = rowsOf(
            ...points.map(([a, b]) => [3 * (c * a - s * b) + 7, 3 * (s * a + c * b) - 2]),
          );
          const own = linearCka(x, x);
          if (own === null) return;
          expect(own).toBeCloseTo(1, 6);
          expect(linearCka(x, turned)).toBeCloseTo(1, 4);
        },
      ),
    );
  });

  it("refuses representations of other rows", () => {
    expect(() => linearCka(rowsOf([1], [2]), rowsOf([1]))).toThrow(RangeError);
  });
});

describe("the squared maximum mean discrepancy", () => {
  it("is the closed form for two points on each side", () => {
    const { exp } = Math;
    const wanted = 2 * exp(-0.5) - (2 * exp(-2) + exp(-4.5) + exp(-0.5)) / 2;
    expect(squaredMmd(rowsOf([0], [1]), rowsOf([2], [3]), arithmetic, 1)).toBeCloseTo(wanted, 12);
  });

  it("takes the median distance of all rows for its bandwidth", () => {
    // Distances 1, 1, 2, 3, 1, 2: their squares' median is 2.5.
    const [x, y] = [rowsOf([0], [1]), rowsOf([2], [3])];
    expect(squaredMmd(x, y, arithmetic)).toBeCloseTo(squaredMmd(x, y, arithmetic, Math.sqrt(2.5)), 12);
  });

  it("is the same both ways, and 0 where all rows are one", () => {
    const [x, y] = [rowsOf([0, 1], [2, 3], [1, 1]), rowsOf([4, 0], [1, 1])];
    expect(squaredMmd(x, y, arithmetic)).toBeCloseTo(squaredMmd(y, x, arithmetic), 12);
    expect(squaredMmd(rowsOf([1], [1]), rowsOf([1], [1]), arithmetic)).toBe(0);
  });

  it("is near 0 for samples of one distribution, and nearly 2 for clusters far apart", () => {
    const line = (offset: number): Rows =>
      rowsOf(...Array.from({ length: 60 }, (_, at) => [((at * 37 + offset * 11) % 60) / 60]));
    expect(Math.abs(squaredMmd(line(0), line(1), arithmetic))).toBeLessThan(0.03);
    expect(squaredMmd(rowsOf([0], [0.01]), rowsOf([9], [9.01]), arithmetic, 1)).toBeGreaterThan(1.9);
  });
});
