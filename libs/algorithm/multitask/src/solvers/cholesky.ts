import { at } from "./matrix.ts";

/**
 * The solution of A x = b for a symmetric positive definite A, by A = L Lᵀ. Undefined where a pivot is not above 0: A
 * is singular to working precision, or not definite.
 */
export function solvePositive(matrix: Float64Array, b: Float64Array): Float64Array | undefined {
  const lower = choleskyFactor(matrix, b.length);
  return lower && solveFactored(lower, b);
}

/** A⁻¹, exactly symmetric; undefined as above. */
export function inversePositive(matrix: Float64Array): Float64Array | undefined {
  const n = Math.round(Math.sqrt(matrix.length));
  const lower = choleskyFactor(matrix, n);
  if (!lower) return undefined;
  const inverse = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    const unit = new Float64Array(n);
    unit[row] = 1;
    const x = solveFactored(lower, unit);
    for (let column = 0; column <= row; column++) {
      inverse[row * n + column] = at(x, column);
      inverse[column * n + row] = at(x, column);
    }
  }
  return inverse;
}

function choleskyFactor(matrix: Float64Array, n: number): Float64Array | undefined {
  const lower = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = at(matrix, row * n + column);
      for (let k = 0; k < column; k++) sum -= at(lower, row * n + k) * at(lower, column * n + k);
      if (row !== column) lower[row * n + column] = sum / at(lower, column * n + column);
      else if (sum > 0) lower[row * n + row] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return lower;
}

function solveFactored(lower: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < row; k++) x[row] = at(x, row) - at(lower, row * n + k) * at(x, k);
    x[row] = at(x, row) / at(lower, row * n + row);
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) x[row] = at(x, row) - at(lower, k * n + row) * at(x, k);
    x[row] = at(x, row) / at(lower, row * n + row);
  }
  return x;
}
