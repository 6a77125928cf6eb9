import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { beforeAll, describe, expect, it } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { Tf } from "../layers/tensorflow.ts";
import { uniform } from "../testing/keyed.ts";
import { momentsOf } from "./moments.ts";
import { fitPca, pcaError, reconstructWithPca } from "./pca.ts";
import { principalDirections } from "./principal-directions.ts";

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadBackend({ name: "cpu" }));
});

/** Rows whose variance falls from column to column, mixed so that no axis is special. */
function mixedRows(rows: number, width: number): Float32Array {
  const drawn = uniform(rows * width, -1, 1, "rows", width);
  const mixing = uniform(width * width, -1, 1, "mixing", width);
  const x = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let at = 0; at < width; at++)
        sum += ((drawn[row * width + at] as number) * (mixing[at * width + column] as number)) / (1 + at);
      x[row * width + column] = sum + column / width;
    }
  return x;
}

function covarianceInFloat64(x: Float32Array, width: number): Float64Array {
  const rows = x.length / width;
  const mean = new Float64Array(width);
  x.forEach((value, at) => (mean[at % width] = (mean[at % width] as number) + value / rows));
  const covariance = new Float64Array(width * width);
  for (let row = 0; row < rows; row++)
    for (let a = 0; a < width; a++)
      for (let b = 0; b < width; b++)
        covariance[a * width + b] =
          (covariance[a * width + b] as number) +
          (((x[row * width + a] as number) - (mean[a] as number)) *
            ((x[row * width + b] as number) - (mean[b] as number))) /
            rows;
  return covariance;
}

describe("moments", () => {
  it("are those of a plain float64 loop, over more rows than one batch holds", () => {
    const width = 5;
    const x = mixedRows(5_000, width);
    const { mean, covariance, rows } = momentsOf(tf, x, width);
    expect(rows).toBe(5_000);
    const expected = covarianceInFloat64(x, width);
    const largest = Math.max(...expected);
    covariance.forEach((value, at) =>
      expect(Math.abs(value - (expected[at] as number))).toBeLessThan(1e-6 * largest),
    );
    const first = x.filter((_, at) => at % width === 0);
    expect(mean[0]).toBeCloseTo(first.reduce((sum, value) => sum + value, 0) / 5_000, 6);
  });
});

describe("principal directions", () => {
  it("of a wide matrix keep as much variance as its whole eigenvalue decomposition, to a millionth", () => {
    const width = 200;
    const covariance = covarianceInFloat64(mixedRows(400, width), width);
    const { values, vectors, residual } = principalDirections(covariance, width, 12);
    const whole = new EigenvalueDecomposition(Matrix.from1DArray(width, width, covariance), {
      assumeSymmetric: true,
    }).realEigenvalues.sort((a, b) => b - a);
    values.forEach((value, at) =>
      expect(Math.abs(value - (whole[at] as number))).toBeLessThan(1e-6 * (whole[at] as number)),
    );
    expect(residual).toBeGreaterThan(0);
    expect(residual).toBeLessThanOrEqual(1e-5);
    const kept = Matrix.from1DArray(width, 12, vectors);
    expect(kept.transpose().mmul(kept).sub(Matrix.eye(12)).norm()).toBeLessThan(1e-9);
  });

  it("are found where nothing varies", () => {
    const { values } = principalDirections(new Float64Array(200 * 200), 200, 3);
    expect([...values]).toEqual([0, 0, 0]);
  });
});

describe("PCA", () => {
  it("finds the line that points lie on, and loses nothing of them", () => {
    // (1, 2, 2)/3 times a number, around (10, 0, -5).
    const x = Float32Array.from([-3, -1, 2, 5].flatMap((t) => [10 + t / 3, (2 * t) / 3, -5 + (2 * t) / 3]));
    const pca = fitPca(momentsOf(tf, x, 3), 1);
    const direction = [...pca.basis].map((value) => value * Math.sign(pca.basis[0] as number));
    [1 / 3, 2 / 3, 2 / 3].forEach((value, at) => expect(direction[at]).toBeCloseTo(value, 5));
    expect(pca.explained).toBeCloseTo(1, 6);
    expect(pcaError(tf, pca, x)).toBeLessThan(1e-10);
    reconstructWithPca(tf, pca, x).forEach((value, at) => expect(value).toBeCloseTo(x[at] as number, 4));
  });

  it("has the error that the variance left out predicts", () => {
    const x = mixedRows(500, 8);
    const moments = momentsOf(tf, x, 8);
    const pca = fitPca(moments, 3);
    let total = 0;
    for (let column = 0; column < 8; column++) total += moments.covariance[column * 9] as number;
    expect(pcaError(tf, pca, x)).toBeCloseTo((total * (1 - pca.explained)) / 8, 7);
  });

  it("has no more components than rows are wide", () => {
    const pca = fitPca(momentsOf(tf, mixedRows(30, 4), 4), 9);
    expect(pca.components).toBe(4);
    expect(pca.explained).toBeCloseTo(1, 9);
  });
});
