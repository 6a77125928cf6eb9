import type { Tensor, Tf } from "../layers/tensorflow.ts";
import type { Moments } from "./moments.ts";
import { principalDirections } from "./principal-directions.ts";

/** The best linear code of so many numbers, as fitted to rows. */
export interface Pca {
  readonly width: number;
  readonly components: number;
  /** [width] */
  readonly mean: Float32Array;
  /** [width, components], orthonormal columns. */
  readonly basis: Float32Array;
  /** Share of the fitted rows' variance that the components keep. */
  readonly explained: number;
}

/** Rows on the device at a time. */
const batchRows = 4_096;

/** Principal components of the rows that the moments were taken of; at most as many as they are wide. */
export function fitPca({ width, mean, covariance }: Moments, components: number): Pca {
  const { values, vectors } = principalDirections(covariance, width, components);
  let total = 0;
  for (let column = 0; column < width; column++) total += covariance[column * (width + 1)] as number;
  const kept = values.reduce((sum, value) => sum + value, 0);
  return {
    width,
    components: values.length,
    mean: Float32Array.from(mean),
    basis: Float32Array.from(vectors),
    explained: total > 0 ? kept / total : 1,
  };
}

/** Mean squared error per number of what the components keep of rows. @param x [rows, width] */
export function pcaError(tf: Tf, pca: Pca, x: Float32Array): number {
  let sum = 0;
  forEachBatch(tf, pca, x, (batch, reconstruction) => {
    sum += tf.sum(tf.square(tf.sub(batch, reconstruction))).dataSync<"float32">()[0] as number;
  });
  return sum / x.length;
}

/** Rows as their components give them back, [rows, width]. @param x [rows, width] */
export function reconstructWithPca(tf: Tf, pca: Pca, x: Float32Array): Float32Array {
  const result = new Float32Array(x.length);
  let at = 0;
  forEachBatch(tf, pca, x, (_, reconstruction) => {
    const values = reconstruction.dataSync<"float32">();
    result.set(values, at);
    at += values.length;
  });
  return result;
}

function forEachBatch(
  tf: Tf,
  { width, components, mean, basis }: Pca,
  x: Float32Array,
  visit: (batch: Tensor, reconstruction: Tensor) => void,
): void {
  const rows = x.length / width;
  for (let start = 0; start < rows; start += batchRows) {
    const end = Math.min(rows, start + batchRows);
    // A visitor reads numbers and returns nothing: an array returned from a tidy would be walked, number by number.
    tf.tidy(() => {
      const batch = tf.tensor2d(x.subarray(start * width, end * width), [end - start, width]);
      const directions = tf.tensor2d(basis, [width, components]);
      const centre = tf.tensor1d(mean);
      const code = tf.matMul(tf.sub(batch, centre), directions);
      visit(batch, tf.add(tf.matMul(code, directions, false, true), centre));
    });
  }
}
