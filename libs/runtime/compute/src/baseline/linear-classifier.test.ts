import { Matrix } from "ml-matrix";
import { beforeAll, describe, expect, it } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { Tf } from "../layers/tensorflow.ts";
import { uniform } from "../testing/keyed.ts";
import { cholesky, solve } from "./curvature-bound.ts";
import { classifierAccuracy, fitLinearClassifier } from "./linear-classifier.ts";
import { minimise } from "./minimise.ts";
import { momentsOf } from "./moments.ts";

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadBackend({ name: "cpu" }));
});

/** Points in the plane; the label says which of three sectors, with a gap between them, they lie in. */
function sectors(points: number): { x: Float32Array; labels: Int32Array } {
  const drawn = uniform(2 * points, 0, 1, "sectors");
  const labels = Int32Array.from({ length: points }, (_, at) => at % 3);
  const x = new Float32Array(2 * points);
  labels.forEach((label, at) => {
    const angle = ((label + 0.15 + 0.7 * (drawn[2 * at] as number)) * 2 * Math.PI) / 3;
    const radius = 0.5 + (drawn[2 * at + 1] as number);
    x.set([radius * Math.cos(angle), radius * Math.sin(angle)], 2 * at);
  });
  return { x, labels };
}

describe("the linear classifier", () => {
  it("separates what a linear classifier can separate", () => {
    const rows = sectors(300);
    const fitted = fitLinearClassifier(tf, rows, momentsOf(tf, rows.x, 2), 3);
    expect(fitted.converged).toBe(true);
    expect(classifierAccuracy(tf, fitted, rows)).toBe(1);
  });

  it("finds the frequencies of classes where the rows say nothing", () => {
    const labels = Int32Array.from({ length: 100 }, (_, at) => (at < 70 ? 0 : 1));
    const rows = { x: new Float32Array(100), labels };
    const fitted = fitLinearClassifier(tf, rows, momentsOf(tf, rows.x, 1), 2);
    const [, , first = 0, second = 0] = fitted.weights;
    expect(first - second).toBeCloseTo(Math.log(0.7 / 0.3), 1);
    expect(fitted.loss).toBeCloseTo(-(0.7 * Math.log(0.7) + 0.3 * Math.log(0.3)), 4);
    expect(classifierAccuracy(tf, fitted, rows)).toBe(0.7);
  });

  it("gives the same bits every time", () => {
    const rows = sectors(90);
    const fit = (): Float32Array => fitLinearClassifier(tf, rows, momentsOf(tf, rows.x, 2), 3).weights;
    expect(fit()).toEqual(fit());
  });
});

describe("the minimiser", () => {
  const scales = [1, 10, 1_000];
  const target = [3, -2, 0.5];
  const valley = (point: Float64Array): { value: number; gradient: Float64Array } => ({
    value: point.reduce((sum, x, at) => sum + (scales[at]! * (x - target[at]!) ** 2) / 2, 0),
    gradient: point.map((x, at) => scales[at]! * (x - target[at]!)),
  });
  const options = { precondition: (vector: Float64Array) => vector.slice(), gradientShare: 1e-9 };

  it("finds the bottom of a steep valley", () => {
    const found = minimise(valley, new Float64Array(3), { ...options, mostIterations: 100 });
    expect(found.converged).toBe(true);
    found.point.forEach((x, at) => expect(x).toBeCloseTo(target[at]!, 6));
  });

  it("needs one step where the preconditioner is the inverse of the curvature", () => {
    const precondition = (vector: Float64Array): Float64Array => vector.map((x, at) => x / scales[at]!);
    const found = minimise(valley, new Float64Array(3), { ...options, precondition, mostIterations: 100 });
    expect(found.iterations).toBe(1);
  });

  it("says when it was not done", () => {
    const found = minimise(valley, new Float64Array(3), { ...options, mostIterations: 2 });
    expect(found).toMatchObject({ converged: false, iterations: 2 });
  });
});

describe("the Cholesky solver", () => {
  it("solves for several right sides at once", () => {
    const size = 6;
    const root = Matrix.from1DArray(size, size, uniform(size * size, -1, 1, "root"));
    const matrix = root.mmul(root.transpose()).add(Matrix.eye(size));
    const right = Matrix.from1DArray(size, 2, uniform(2 * size, -1, 1, "right"));
    const lower = cholesky(Float64Array.from(matrix.to1DArray()), size);
    const found = Matrix.from1DArray(size, 2, solve(lower, size, Float64Array.from(right.to1DArray()), 2));
    expect(matrix.mmul(found).sub(right).norm()).toBeLessThan(1e-12);
  });
});
