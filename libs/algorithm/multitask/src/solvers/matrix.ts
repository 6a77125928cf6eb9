/** Small dense matrices, row-major n×n in float64: T tasks, so n is a few and rarely a hundred. Plain arithmetic only. */

/** A·x, each sum in ascending order. */
export function product(matrix: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  const result = new Float64Array(n);
  for (let row = 0; row < n; row++) {
    let sum = 0;
    for (let column = 0; column < n; column++) sum += at(matrix, row * n + column) * at(x, column);
    result[row] = sum;
  }
  return result;
}

export function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += at(a, i) * at(b, i);
  return sum;
}

/** xᵀAx, which rounding may not make negative where A is positive semidefinite. */
export function quadratic(matrix: Float64Array, x: Float64Array): number {
  return Math.max(0, inner(x, product(matrix, x)));
}

/** Square roots of the diagonal of a Gram matrix: the vectors' norms. */
export function norms(gram: Float64Array, n: number): Float64Array {
  const result = new Float64Array(n);
  for (let i = 0; i < n; i++) result[i] = Math.sqrt(Math.max(0, at(gram, i * n + i)));
  return result;
}

/** D A D for the diagonal D. */
export function scaledBoth(matrix: Float64Array, diagonal: Float64Array): Float64Array {
  const n = diagonal.length;
  return matrix.map(
    (value, place) => value * (at(diagonal, Math.floor(place / n)) * at(diagonal, place % n)),
  );
}

/** Element of an array of numbers at an index that is known to be inside. */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number;
}
