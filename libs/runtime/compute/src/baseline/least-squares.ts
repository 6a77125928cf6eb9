import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { cholesky, solve } from "./curvature-bound.ts";
import { columnMeans, type Moments } from "./moments.ts";

/** The best affine map from rows of numbers to others, as fitted to pairs of them. */
export interface LinearMap {
  readonly sourceWidth: number;
  readonly targetWidth: number;
  /** [sourceWidth] and [targetWidth] */
  readonly sourceMean: Float32Array;
  readonly targetMean: Float32Array;
  /** [sourceWidth, targetWidth] */
  readonly weights: Float32Array;
}

/** Rows on the device at a time. */
const batchRows = 4_096;

/**
 * Of the mean variance of a source's numbers, added to each: columns that never change, or repeat others, have a map
 * then, and it is one of small weights. Large enough for float32 moments, and of no account beside a real variance.
 */
const ridgeShare = 1e-5;

/**
 * Least squares from source rows to target rows, with an intercept. The work grows with the cube of the source's width.
 * @param source [rows, width of the moments]
 * @param target [rows, targetWidth]
 * @param moments of the source
 */
export function fitLinearMap(
  tf: Tf,
  source: Float32Array,
  target: Float32Array,
  { rows, width, mean, covariance }: Moments,
): LinearMap {
  const targetWidth = target.length / rows;
  const targetMean = Float32Array.from(columnMeans(target, targetWidth));
  const means = { sourceMean: Float32Array.from(mean), targetMean };
  const cross = new Float64Array(width * targetWidth);
  for (let start = 0; start < rows; start += batchRows) {
    const end = Math.min(rows, start + batchRows);
    const product = tf.tidy(() => {
      const x = tf.tensor2d(source.subarray(start * width, end * width), [end - start, width]);
      const y = tf.tensor2d(target.subarray(start * targetWidth, end * targetWidth), [
        end - start,
        targetWidth,
      ]);
      const centred = tf.sub(y, tf.tensor1d(means.targetMean));
      return tf.matMul(tf.sub(x, tf.tensor1d(means.sourceMean)), centred, true, false);
    });
    const values = product.dataSync<"float32">();
    product.dispose();
    for (let at = 0; at < values.length; at++)
      cross[at] = (cross[at] as number) + (values[at] as number) / rows;
  }
  const bounded = covariance.slice();
  let variance = 0;
  for (let at = 0; at < width; at++) variance += (covariance[at * (width + 1)] as number) / width;
  for (let at = 0; at < width; at++)
    bounded[at * (width + 1)] = (bounded[at * (width + 1)] as number) + ridgeShare * variance;
  const weights = Float32Array.from(solve(cholesky(bounded, width), width, cross, targetWidth));
  return { sourceWidth: width, targetWidth, ...means, weights };
}

/** Mean squared error per number of what the map makes of rows. @param source, @param target rows of the two widths */
export function linearMapError(tf: Tf, map: LinearMap, source: Float32Array, target: Float32Array): number {
  const { sourceWidth, targetWidth } = map;
  const rows = target.length / targetWidth;
  let sum = 0;
  for (let start = 0; start < rows; start += batchRows) {
    const end = Math.min(rows, start + batchRows);
    tf.tidy(() => {
      const x = tf.tensor2d(source.subarray(start * sourceWidth, end * sourceWidth), [
        end - start,
        sourceWidth,
      ]);
      const y = tf.tensor2d(target.subarray(start * targetWidth, end * targetWidth), [
        end - start,
        targetWidth,
      ]);
      const centred: Tensor = tf.sub(x, tf.tensor1d(map.sourceMean));
      const mapped = tf.matMul(centred, tf.tensor2d(map.weights, [sourceWidth, targetWidth]));
      const difference = tf.sub(tf.add(mapped, tf.tensor1d(map.targetMean)), y);
      sum += tf.sum(tf.square(difference)).dataSync<"float32">()[0] as number;
    });
  }
  return sum / target.length;
}
