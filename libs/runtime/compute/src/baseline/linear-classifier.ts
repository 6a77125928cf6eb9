import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { curvatureBound } from "./curvature-bound.ts";
import { minimise } from "./minimise.ts";
import type { Moments } from "./moments.ts";

/** A linear classifier on rows of numbers, as fitted. */
export interface LinearClassifier {
  readonly width: number;
  readonly classes: number;
  /** [width + 1, classes]; the last row is the bias. */
  readonly weights: Float32Array;
  /** Mean cross-entropy over the fitted rows, with the penalty. */
  readonly loss: number;
  readonly iterations: number;
  readonly converged: boolean;
}

export interface LabelledRows {
  /** [rows, width] */
  readonly x: Float32Array;
  /** [rows], 0 to classes − 1. */
  readonly labels: Int32Array;
}

/** Weight decay, half of it times the weights' squares: separable classes would otherwise send the weights to infinity. */
const decay = 1e-4;
/**
 * The gradient's length at which to end, as a share of that at zero. Measured on MNIST and Fashion-MNIST: the loss is
 * then within 1 % of the one that 2.5 times as many iterations reach, and the accuracy within 0.3 points.
 */
const gradientShare = 5e-3;
const mostIterations = 500;

/**
 * Multinomial logistic regression on all rows at once, from zero weights: no order of data, no learning rate, no random
 * number. L-BFGS, preconditioned with Böhning's bound on the curvature, until the gradient's length is a two-hundredth of
 * what it was, or 500 iterations.
 * @param moments of the same rows
 */
export function fitLinearClassifier(
  tf: Tf,
  { x, labels }: LabelledRows,
  moments: Moments,
  classes: number,
): LinearClassifier {
  const { rows, width } = moments;
  const onDevice = tf.tensor2d(x, [rows, width]);
  const targets = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), classes), "float32"));
  const kernelNumbers = width * classes;
  const objective = (point: Float64Array): { value: number; gradient: Float64Array } => {
    const flat = tf.tidy(() => {
      const logits = logitsOf(tf, onDevice, Float32Array.from(point), width, classes);
      const shifted = tf.sub(logits, tf.max(logits, 1, true));
      const powers = tf.exp(shifted);
      const sums = tf.sum(powers, 1, true);
      const loss = tf.sum(tf.sub(tf.log(sums), tf.sum(tf.mul(shifted, targets), 1, true)));
      const error = tf.sub(tf.div(powers, sums), targets);
      const kernel = tf.matMul(onDevice, error, true, false);
      return tf.concat1d([tf.reshape(kernel, [-1]), tf.sum(error, 0), tf.reshape(loss, [1])] as never);
    });
    const values = flat.dataSync<"float32">();
    flat.dispose();
    let squares = 0;
    const gradient = new Float64Array(point.length);
    for (let index = 0; index < point.length; index++) {
      const weight = index < kernelNumbers ? (point[index] as number) : 0;
      squares += weight * weight;
      gradient[index] = (values[index] as number) / rows + decay * weight;
    }
    return { value: (values[point.length] as number) / rows + (decay * squares) / 2, gradient };
  };
  try {
    const found = minimise(objective, new Float64Array(kernelNumbers + classes), {
      precondition: curvatureBound(moments, classes, decay),
      gradientShare,
      mostIterations,
    });
    const { value: loss, iterations, converged } = found;
    return { width, classes, weights: Float32Array.from(found.point), loss, iterations, converged };
  } finally {
    onDevice.dispose();
    targets.dispose();
  }
}

/** Share of rows whose largest logit is the label's. */
export function classifierAccuracy(
  tf: Tf,
  { width, classes, weights }: LinearClassifier,
  { x, labels }: LabelledRows,
): number {
  const answers = tf.tidy(() =>
    tf.argMax(logitsOf(tf, tf.tensor2d(x, [labels.length, width]), weights, width, classes), 1),
  );
  const given = answers.dataSync<"int32">();
  answers.dispose();
  let right = 0;
  for (const [row, label] of labels.entries()) if (given[row] === label) right += 1;
  return right / labels.length;
}

function logitsOf(tf: Tf, x: Tensor, weights: Float32Array, width: number, classes: number): Tensor {
  const kernel = tf.tensor2d(weights.subarray(0, width * classes), [width, classes]);
  return tf.add(tf.matMul(x as never, kernel), tf.tensor1d(weights.subarray(width * classes)));
}
