import type { Tf } from "../layers/tensorflow.ts";

/** What linear baselines need to know of rows of numbers. */
export interface Moments {
  readonly rows: number;
  readonly width: number;
  /** [width] */
  readonly mean: Float64Array;
  /** [width, width]: of the rows' differences from the mean, divided by their number. */
  readonly covariance: Float64Array;
}

/** Rows on the device at a time; their products are added up in float64. */
const batchRows = 4_096;

/**
 * Mean and covariance of rows, the products on the device.
 * @param x [rows, width], row-major
 */
export function momentsOf(tf: Tf, x: Float32Array, width: number): Moments {
  const rows = x.length / width;
  const mean = columnMeans(x, width);
  const covariance = new Float64Array(width * width);
  const centre = tf.tensor1d(Float32Array.from(mean));
  for (let start = 0; start < rows; start += batchRows) {
    const end = Math.min(rows, start + batchRows);
    const product = tf.tidy(() => {
      const batch = tf.tensor2d(x.subarray(start * width, end * width), [end - start, width]);
      const centred = tf.sub(batch, centre);
      return tf.matMul(centred, centred, true, false);
    });
    const values = product.dataSync<"float32">();
    product.dispose();
    for (let index = 0; index < values.length; index++)
      covariance[index] = (covariance[index] as number) + (values[index] as number) / rows;
  }
  centre.dispose();
  return { rows, width, mean, covariance };
}

/** [width], of rows [rows, width]. */
export function columnMeans(x: Float32Array, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let start = 0; start < x.length; start += width)
    for (let column = 0; column < width; column++)
      sums[column] = (sums[column] as number) + (x[start + column] as number);
  return sums.map((sum) => (sum * width) / x.length);
}
