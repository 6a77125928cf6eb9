import type { Tf } from "@latentweave/compute";
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { orthonormalise } from "./orthonormalise.ts";

/** The best linear code of so many numbers, as fitted. */
export interface Pca {
  readonly width: number;
  readonly components: number;
  /** [width] */
  readonly mean: Float32Array;
  /** [width, components], orthonormal columns. */
  readonly basis: Float32Array;
}

/** Rows that are on the device at a time. */
const batchRows = 8_192;
/** Up to this width the whole eigenvalue decomposition takes less than the iteration. */
const directWidth = 160;
/** Directions carried beyond those wanted: the gap to the first one left out decides how fast the iteration ends. */
const spareDirections = 32;
/** The variance kept grows from step to step towards its maximum; growth below this share of it is rounding. */
const settledShare = 1e-9;
const mostIterations = 500;

/**
 * Principal components of all training rows: the covariance is summed on the device, its largest eigenvectors are
 * found here in float64 (whole decomposition, or subspace iteration with Rayleigh-Ritz until nothing is gained).
 * @param x [rows, width]
 */
export function fitPca(tf: Tf, x: Float32Array, width: number, components: number): Pca {
  const rows = x.length / width;
  const kept = Math.min(components, width);
  const mean = columnMeans(x, width);
  const covariance = new Float64Array(width * width);
  forEachBatch(rows, (start, end) => {
    const product = tf.tidy(() => {
      const centred = tf.sub(tf.tensor2d(x.subarray(start * width, end * width), [end - start, width]), mean);
      return tf.matMul(centred, centred, true, false);
    });
    const values = product.dataSync<"float32">();
    for (let index = 0; index < values.length; index++)
      covariance[index] = (covariance[index] ?? 0) + (values[index] as number) / rows;
    product.dispose();
  });
  const basis =
    width <= directWidth
      ? directBasis(covariance, width, kept)
      : iteratedBasis(tf, covariance, width, kept, Math.min(width, kept + spareDirections));
  return { width, components: kept, mean, basis };
}

/** Mean squared error per number of what the components keep of rows. @param x [rows, width] */
export function pcaError(tf: Tf, { width, components, mean, basis }: Pca, x: Float32Array): number {
  const rows = x.length / width;
  let sum = 0;
  const directions = tf.tensor2d(basis, [width, components]);
  forEachBatch(rows, (start, end) => {
    sum += tf.tidy(() => {
      const centred = tf.sub(tf.tensor2d(x.subarray(start * width, end * width), [end - start, width]), mean);
      const rest = tf.sub(
        centred,
        tf.matMul(tf.matMul(centred as never, directions), directions, false, true),
      );
      return (tf.sum(tf.square(rest)).dataSync<"float32">()[0] as number) / width;
    });
  });
  directions.dispose();
  return sum / rows;
}

function columnMeans(x: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width);
  for (let start = 0; start < x.length; start += width)
    for (let column = 0; column < width; column++)
      sums[column] = (sums[column] as number) + (x[start + column] as number);
  return Float32Array.from(sums, (sum) => (sum * width) / x.length);
}

function forEachBatch(rows: number, visit: (start: number, end: number) => void): void {
  for (let start = 0; start < rows; start += batchRows) visit(start, Math.min(rows, start + batchRows));
}

function directBasis(covariance: Float64Array, width: number, kept: number): Float32Array {
  const matrix = Matrix.from1DArray(width, width, covariance);
  const { eigenvectorMatrix, order } = decompose(matrix);
  const basis = new Float32Array(width * kept);
  for (let row = 0; row < width; row++)
    for (let column = 0; column < kept; column++)
      basis[row * kept + column] = eigenvectorMatrix.get(row, order[column] as number);
  return basis;
}

function decompose(matrix: Matrix): {
  readonly eigenvectorMatrix: Matrix;
  readonly eigenvalues: readonly number[];
  readonly order: readonly number[];
} {
  const found = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const eigenvalues = found.realEigenvalues;
  const order = eigenvalues
    .map((_, index) => index)
    .sort((a, b) => (eigenvalues[b] ?? 0) - (eigenvalues[a] ?? 0));
  return { eigenvectorMatrix: found.eigenvectorMatrix, eigenvalues, order };
}

/** Subspace iteration; products on the device, everything small in float64. */
function iteratedBasis(
  tf: Tf,
  covariance: Float64Array,
  width: number,
  kept: number,
  block: number,
): Float32Array {
  const onDevice = tf.tensor2d(Float32Array.from(covariance), [width, width]);
  const times = (directions: Float64Array): Float64Array => {
    const product = tf.tidy(() =>
      tf.matMul(onDevice, tf.tensor2d(Float32Array.from(directions), [width, block])),
    );
    const values = Float64Array.from(product.dataSync<"float32">());
    product.dispose();
    return values;
  };
  try {
    let directions = orthonormalise(startDirections(width, block), width, block);
    let variance = 0;
    for (let iteration = 0; iteration < mostIterations; iteration++) {
      const moved = times(directions);
      const ritz = rayleighRitz(directions, moved, width, block);
      const captured = ritz.eigenvalues.slice(0, kept).reduce((sum, value) => sum + value, 0);
      if (captured - variance <= settledShare * captured)
        return firstColumns(rotate(directions, ritz, width, block), width, block, kept);
      variance = captured;
      directions = orthonormalise(moved, width, block);
    }
    const last = rayleighRitz(directions, times(directions), width, block);
    return firstColumns(rotate(directions, last, width, block), width, block, kept);
  } finally {
    onDevice.dispose();
  }
}

interface Ritz {
  /** Falling. */
  readonly eigenvalues: readonly number[];
  /** [block, block], columns in the same order. */
  readonly vectors: Float64Array;
}

/** Eigenvalues of the covariance within the span of the directions. */
function rayleighRitz(directions: Float64Array, moved: Float64Array, width: number, block: number): Ritz {
  const small = Matrix.zeros(block, block);
  for (let a = 0; a < block; a++)
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let row = 0; row < width; row++)
        sum += (directions[row * block + a] as number) * (moved[row * block + b] as number);
      small.set(a, b, sum);
      small.set(b, a, sum);
    }
  const { eigenvectorMatrix, eigenvalues, order } = decompose(small);
  const vectors = new Float64Array(block * block);
  for (let row = 0; row < block; row++)
    for (let column = 0; column < block; column++)
      vectors[row * block + column] = eigenvectorMatrix.get(row, order[column] as number);
  return { eigenvalues: order.map((index) => eigenvalues[index] ?? 0), vectors };
}

function rotate(directions: Float64Array, { vectors }: Ritz, width: number, block: number): Float64Array {
  const turned = new Float64Array(width * block);
  for (let row = 0; row < width; row++)
    for (let column = 0; column < block; column++) {
      let sum = 0;
      for (let inner = 0; inner < block; inner++)
        sum += (directions[row * block + inner] as number) * (vectors[inner * block + column] as number);
      turned[row * block + column] = sum;
    }
  return turned;
}

function firstColumns(all: Float64Array, width: number, block: number, kept: number): Float32Array {
  const basis = new Float32Array(width * kept);
  for (let row = 0; row < width; row++)
    for (let column = 0; column < kept; column++)
      basis[row * kept + column] = all[row * block + column] as number;
  return basis;
}

/** Any directions that are not special to data do; these are the same on every machine. */
function startDirections(width: number, block: number): Float64Array {
  let state = 1;
  return Float64Array.from({ length: width * block }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}
