import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arithmetic, gramOf } from "../testing/ask.ts";
import { generator, gradientRows } from "../testing/gradients.ts";
import { adamStart, adamStep } from "./adam.ts";
import { bargain } from "./bargaining.ts";
import { solvePositive } from "./cholesky.ts";
import { leastAbove } from "./least-above.ts";
import { leastWithNorm } from "./least-with-norm.ts";
import { at, inner, norms, product, quadratic, scaledBoth } from "./matrix.ts";
import { minNorm } from "./min-norm.ts";
import { softmax, softmaxGradient } from "./softmax.ts";
import { spectral, symmetricEigen } from "./symmetric-eigen.ts";

const anyRows = gradientRows({ min: 2, max: 6 }, { min: 6, max: 9 });
const moreTasksThanNumbers = gradientRows({ min: 3, max: 7 }, { min: 1, max: 2 });

/** Every point of the simplex with coordinates in steps of 1/parts. */
function simplexGrid(n: number, parts: number): number[][] {
  if (n === 1) return [[parts / parts]];
  const grow = (left: number, rest: number): number[][] =>
    rest === 1
      ? [[left]]
      : Array.from({ length: left + 1 }, (_, k) =>
          grow(left - k, rest - 1).map((tail) => [k, ...tail]),
        ).flat();
  return grow(parts, n).map((counts) => counts.map((k) => k / parts));
}

describe("Cholesky's solution", () => {
  it("solves, and says where the matrix is not positive definite", () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const gram = gramOf(rows);
        const b = Float64Array.from(rows, (_, i) => i - 1);
        const x = solvePositive(gram, b);
        if (x === undefined) throw new Error("independent rows have a positive definite Gram matrix");
        const size = Math.max(...gram.map(Math.abs)) * Math.max(...x.map(Math.abs));
        product(gram, x).forEach((value, i) =>
          expect(Math.abs(value - at(b, i))).toBeLessThan(1e-12 * size + 1e-12),
        );
      }),
    );
    expect(solvePositive(Float64Array.of(1, 1, 1, 1), Float64Array.of(1, 2))).toBeUndefined();
    expect(solvePositive(Float64Array.of(-1), Float64Array.of(1))).toBeUndefined();
  });
});

describe("eigenvalues", () => {
  it("and vectors make up the matrix again, and are orthonormal", () => {
    fc.assert(
      fc.property(fc.oneof(anyRows, moreTasksThanNumbers), (rows) => {
        const n = rows.length;
        const gram = gramOf(rows);
        const { values, vectors } = symmetricEigen(gram);
        const scale = Math.max(...gram.map(Math.abs));
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) {
            const again = vectors.reduce((sum, v, k) => sum + at(values, k) * at(v, i) * at(v, j), 0);
            expect(Math.abs(again - at(gram, i * n + j))).toBeLessThan(1e-13 * scale * n);
            const dot = inner(vectors[i] as Float64Array, vectors[j] as Float64Array);
            expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-13 * n);
          }
        expect([...values]).toEqual([...values].sort((a, b) => a - b));
      }),
    );
  });

  it("that are zero are left out of an inverse", () => {
    // Rank 1: the pseudo-inverse of [[1, 1], [1, 1]] is itself over 4.
    const inverse = spectral(symmetricEigen(Float64Array.of(1, 1, 1, 1)), (value) => 1 / value, [1, 0]);
    inverse.forEach((value) => expect(value).toBeCloseTo(0.25, 14));
  });
});

describe("the least quadratic above bounds", () => {
  it("is what projected gradient descent finds", () => {
    fc.assert(
      fc.property(anyRows, fc.integer({ min: 1, max: 1e9 }), (rows, seed) => {
        const draw = generator(seed);
        const size = norms(gramOf(rows), rows.length);
        const matrix = scaledBoth(
          gramOf(rows),
          size.map((norm) => 1 / norm),
        ).map((x, place) => (place % (rows.length + 1) === 0 ? x + 0.05 : x));
        const lower = Float64Array.from(rows, () => draw());
        const b = Float64Array.from(rows, () => draw() - 0.5);
        const solution = leastAbove(matrix, b, lower);
        expect(solution.residual).toBeLessThan(1e-12);
        let v = lower.slice();
        for (let step = 0; step < 4000; step++)
          v = product(matrix, v).map((slope, i) =>
            Math.max(at(lower, i), at(v, i) - (slope + at(b, i)) / (rows.length + 1)),
          );
        solution.x.forEach((x, i) => expect(Math.abs(x - at(v, i))).toBeLessThan(1e-6));
      }),
      { numRuns: 40 },
    );
  });
});

describe("the point of least norm on the simplex", () => {
  it("is no longer than any point of a grid, and its gap to the minimum is rounding", () => {
    fc.assert(
      fc.property(gradientRows({ min: 2, max: 4 }, { min: 1, max: 5 }), (rows) => {
        const gram = gramOf(rows);
        const { x, residual } = minNorm(gram, rows.length);
        expect(residual).toBeLessThan(1e-6);
        expect(x.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
        expect(Math.min(...x)).toBeGreaterThanOrEqual(0);
        const least = quadratic(gram, x);
        const tolerance = 1e-9 * Math.min(...norms(gram, rows.length)) ** 2;
        for (const point of simplexGrid(rows.length, 20))
          expect(least).toBeLessThanOrEqual(quadratic(gram, Float64Array.from(point)) + tolerance);
      }),
      { numRuns: 60 },
    );
  });
});

describe("the least linear term and norm on the simplex", () => {
  it("is below every point of a grid", () => {
    fc.assert(
      fc.property(
        gradientRows({ min: 2, max: 4 }, { min: 4, max: 5 }),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        (rows, share) => {
          const gram = gramOf(rows);
          const mean = new Float64Array(rows.length).fill(1 / rows.length);
          const b = product(gram, mean);
          const kappa = share * Math.sqrt(quadratic(gram, mean));
          const { x, residual } = leastWithNorm(gram, b, kappa);
          expect(residual).toBeLessThan(1e-6);
          const value = (w: Float64Array): number => inner(b, w) + kappa * Math.sqrt(quadratic(gram, w));
          const scale = Math.abs(inner(b, x)) + kappa * Math.sqrt(quadratic(gram, x));
          for (const point of simplexGrid(rows.length, 20))
            expect(value(x)).toBeLessThanOrEqual(value(Float64Array.from(point)) + 1e-6 * scale);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("bargaining", () => {
  it.each([5, 20, 50])("of %i tasks comes to a relative residual of rounding", (count) => {
    const draw = generator(count);
    const rows = Array.from({ length: count }, () => Array.from({ length: 2 * count }, () => draw() - 0.5));
    const gram = gramOf(rows);
    const cosines = scaledBoth(
      gram,
      norms(gram, count).map((norm) => 1 / norm),
    );
    for (const p of [1, 0.5, 2]) {
      const { x, residual, iterations } = bargain(cosines, new Float64Array(count).fill(1), p, arithmetic);
      expect(residual, `p ${p}`).toBeLessThan(2e-14);
      expect(iterations, `p ${p}`).toBeLessThan(40);
      product(cosines, x).forEach((value, i) => expect(value * at(x, i) ** p).toBeCloseTo(1, 10));
    }
  });
});

describe("softmax", () => {
  it("does not overflow, and has the gradient of finite differences", () => {
    expect([...softmax(arithmetic, [1000, 1000])]).toEqual([0.5, 0.5]);
    const [x, q, h] = [[0.3, -1, 2], [1, -2, 0.5], 1e-6];
    const value = (at: readonly number[]): number =>
      softmax(arithmetic, at).reduce((sum, z, i) => sum + z * (q[i] ?? 0), 0);
    softmaxGradient(softmax(arithmetic, x), q).forEach((slope, i) => {
      const moved = (by: number): number[] => x.map((xi, j) => (j === i ? xi + by : xi));
      expect(slope).toBeCloseTo((value(moved(h)) - value(moved(-h))) / (2 * h), 8);
    });
  });
});

describe("Adam", () => {
  it("goes one rate against the gradient's sign at first, and to the minimum of a parabola", () => {
    const first = adamStep(arithmetic, adamStart(2), { x: [1, 1], gradient: [5, -0.01], learningRate: 0.1 });
    first.x.forEach((value, i) => expect(value).toBeCloseTo(i === 0 ? 0.9 : 1.1, 5));
    let [x, state] = [[3], adamStart(1)] as [number[], ReturnType<typeof adamStart>];
    for (let step = 0; step < 500; step++)
      ({ x, state } = adamStep(arithmetic, state, {
        x,
        gradient: [2 * ((x[0] ?? 0) - 1)],
        learningRate: 0.05,
      }));
    expect(x[0]).toBeCloseTo(1, 2);
  });
});
