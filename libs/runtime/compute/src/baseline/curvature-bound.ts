import type { Moments } from "./moments.ts";

/**
 * Inverse of a bound on the curvature of multinomial logistic regression, whatever the weights: half the rows' second
 * moments, the bias' column included, plus the weight decay (Böhning 1992, "Multinomial logistic regression algorithm").
 * @returns the inverse times a vector of [width + 1, classes]
 */
export function curvatureBound(
  { width, mean, covariance }: Moments,
  classes: number,
  decay: number,
): (vector: Float64Array) => Float64Array {
  const size = width + 1;
  const bound = new Float64Array(size * size);
  for (let row = 0; row < width; row++) {
    for (let column = 0; column < width; column++)
      bound[row * size + column] =
        ((covariance[row * width + column] as number) + (mean[row] as number) * (mean[column] as number)) / 2;
    bound[row * size + width] = bound[width * size + row] = (mean[row] as number) / 2;
    bound[row * (size + 1)] = (bound[row * (size + 1)] as number) + decay;
  }
  bound[size * size - 1] = 0.5;
  const factor = cholesky(bound, size);
  return (vector) => solve(factor, size, vector, classes);
}

/** The lower triangle L of A = L·Lᵀ, row by row. @param matrix symmetric, positive definite */
export function cholesky(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column <= row; column++) {
      let sum = matrix[row * size + column] as number;
      for (let at = 0; at < column; at++)
        sum -= (lower[row * size + at] as number) * (lower[column * size + at] as number);
      // Rounding may leave a direction without variance a little below zero.
      lower[row * size + column] =
        row === column ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (lower[column * size + column] as number);
    }
  return lower;
}

/** Solves L·Lᵀ·X = B for B of [size, columns]. */
export function solve(lower: Float64Array, size: number, right: Float64Array, columns: number): Float64Array {
  const x = right.slice();
  for (let row = 0; row < size; row++) {
    const own = row * columns;
    for (let at = 0; at < row; at++) {
      const factor = lower[row * size + at] as number;
      const other = at * columns;
      for (let column = 0; column < columns; column++)
        x[own + column] = (x[own + column] as number) - factor * (x[other + column] as number);
    }
    divide(x, own, columns, lower[row * (size + 1)] as number);
  }
  for (let row = size - 1; row >= 0; row--) {
    const own = row * columns;
    divide(x, own, columns, lower[row * (size + 1)] as number);
    for (let above = 0; above < row; above++) {
      const factor = lower[row * size + above] as number;
      const other = above * columns;
      for (let column = 0; column < columns; column++)
        x[other + column] = (x[other + column] as number) - factor * (x[own + column] as number);
    }
  }
  return x;
}

function divide(x: Float64Array, start: number, count: number, divisor: number): void {
  for (let at = start; at < start + count; at++) x[at] = (x[at] as number) / divisor;
}
