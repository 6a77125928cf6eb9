import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { orthonormalise } from "./orthonormalise.ts";

/** The largest eigenvalues of a symmetric matrix, falling, and their directions. */
export interface PrincipalDirections {
  readonly values: Float64Array;
  /** [width, count], orthonormal columns. */
  readonly vectors: Float64Array;
  /** ‖A·V − V·Λ‖ over the largest eigenvalue. What the values lack in sum is of the order of its square. */
  readonly residual: number;
}

/** Up to this width the whole decomposition takes less time than the iteration. */
const directWidth = 160;
/** Directions carried beyond those wanted: the gap to the first one left out decides how fast the iteration ends. */
const spareDirections = 32;
const wantedResidual = 1e-5;
const mostIterations = 1_000;

/**
 * Eigenvectors of the `count` largest eigenvalues, all in float64: the whole decomposition where the matrix is small,
 * else subspace iteration with Rayleigh-Ritz (Halko, Martinsson and Tropp 2011, section 5) until the residual is small.
 * @param matrix [width, width], symmetric and positive semi-definite
 * @throws Error when the iteration does not get there
 */
export function principalDirections(matrix: Float64Array, width: number, count: number): PrincipalDirections {
  const kept = Math.min(count, width);
  if (width <= directWidth) {
    const { values, vectors } = decompose(matrix, width);
    return { values: values.slice(0, kept), vectors: firstColumns(vectors, width, width, kept), residual: 0 };
  }
  const block = Math.min(width, kept + spareDirections);
  let directions = orthonormalise(startDirections(width, block), width, block);
  for (let iteration = 0; iteration < mostIterations; iteration++) {
    const moved = product(matrix, directions, width, width, block);
    const small = decompose(transposedProduct(directions, moved, width, block), block);
    // In the Ritz basis, both the directions and where the matrix takes them.
    const ritz = product(directions, small.vectors, width, block, block);
    const image = product(moved, small.vectors, width, block, block);
    const residual = residualOf(ritz, image, small.values, width, block, kept);
    if (residual <= wantedResidual)
      return {
        values: small.values.slice(0, kept),
        vectors: firstColumns(ritz, width, block, kept),
        residual,
      };
    directions = orthonormalise(image, width, block);
  }
  throw new Error(`the ${kept} largest eigenvalues were not found in ${mostIterations} iterations`);
}

function residualOf(
  vectors: Float64Array,
  image: Float64Array,
  values: Float64Array,
  width: number,
  block: number,
  kept: number,
): number {
  const largest = values[0] as number;
  if (!(largest > 0)) return 0;
  let sum = 0;
  for (let row = 0; row < width; row++)
    for (let column = 0; column < kept; column++) {
      const at = row * block + column;
      const rest = (image[at] as number) - (values[column] as number) * (vectors[at] as number);
      sum += rest * rest;
    }
  return Math.sqrt(sum) / largest;
}

/** Whole decomposition; eigenvalues falling, eigenvectors in the columns. */
function decompose(
  matrix: Float64Array,
  width: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  const found = new EigenvalueDecomposition(Matrix.from1DArray(width, width, matrix), {
    assumeSymmetric: true,
  });
  const eigenvalues = found.realEigenvalues;
  const order = eigenvalues.map((_, index) => index);
  order.sort((a, b) => (eigenvalues[b] as number) - (eigenvalues[a] as number));
  const vectors = new Float64Array(width * width);
  for (let row = 0; row < width; row++)
    for (let column = 0; column < width; column++)
      vectors[row * width + column] = found.eigenvectorMatrix.get(row, order[column] as number);
  return { values: Float64Array.from(order, (index) => eigenvalues[index] as number), vectors };
}

/** [rows, inner] · [inner, columns] */
function product(
  a: Float64Array,
  b: Float64Array,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const own = result.subarray(row * columns, (row + 1) * columns);
    for (let at = 0; at < inner; at++) {
      const factor = a[row * inner + at] as number;
      if (factor === 0) continue;
      const start = at * columns;
      for (let column = 0; column < columns; column++)
        own[column] = (own[column] as number) + factor * (b[start + column] as number);
    }
  }
  return result;
}

/** aᵀ · b for two of [rows, columns]. */
function transposedProduct(a: Float64Array, b: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++)
    for (let left = 0; left < columns; left++) {
      const factor = a[row * columns + left] as number;
      for (let right = 0; right < columns; right++)
        result[left * columns + right] =
          (result[left * columns + right] as number) + factor * (b[row * columns + right] as number);
    }
  return result;
}

function firstColumns(all: Float64Array, rows: number, columns: number, kept: number): Float64Array {
  const first = new Float64Array(rows * kept);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < kept; column++)
      first[row * kept + column] = all[row * columns + column] as number;
  return first;
}

/** Any directions that are not special to the data do; these are the same on every machine. */
function startDirections(width: number, block: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length: width * block }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}
