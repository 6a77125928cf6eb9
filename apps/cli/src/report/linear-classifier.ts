import type { Tf } from "@latentweave/compute";
import { minimise } from "./lbfgs.ts";

/** A linear classifier on the raw numbers of a sample, as fitted and measured. */
export interface LinearClassifier {
  /** Share of right answers on the test rows. */
  readonly accuracy: number;
  readonly trainingRows: number;
  readonly iterations: number;
  readonly converged: boolean;
}

export interface LabelledRows {
  /** [rows, width] */
  readonly x: Float32Array;
  /** [rows] */
  readonly y: Int32Array;
}

/** Where separable classes would send the weights to infinity, this keeps a minimum; too little to be felt elsewhere. */
const l2 = 1e-5;
/** A gain of less than this share of the loss, three times in a row, moves no test answer that matters. */
const tolerance = 3e-4;
const mostIterations = 200;

/**
 * Multinomial logistic regression on all training rows at once, by L-BFGS from zero: no order of data, no learning
 * rate, no random number.
 */
export function fitLinearClassifier(
  tf: Tf,
  training: LabelledRows,
  test: LabelledRows,
  classes: number,
): LinearClassifier {
  const rows = training.y.length;
  const width = training.x.length / rows;
  const x = tf.tensor2d(training.x, [rows, width]);
  const labels = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(training.y, "int32"), classes), "float32"));
  const kernelNumbers = width * classes;
  const objective = (point: Float64Array): { value: number; gradient: Float64Array } => {
    const flat = tf.tidy(() => {
      const logits = linear(tf, x, point, width, classes);
      const top = tf.max(logits, 1, true);
      const shifted = tf.sub(logits, top);
      const powers = tf.exp(shifted);
      const sums = tf.sum(powers, 1, true);
      const loss = tf.sum(tf.sub(tf.log(sums), tf.sum(tf.mul(shifted, labels), 1, true)));
      const error = tf.sub(tf.div(powers, sums), labels);
      const kernel = tf.matMul(x, error as never, true, false);
      return tf.concat1d([tf.reshape(kernel, [-1]), tf.sum(error, 0), tf.reshape(loss, [1])] as never);
    });
    const values = flat.dataSync<"float32">();
    flat.dispose();
    let penalty = 0;
    const gradient = new Float64Array(point.length);
    for (let index = 0; index < point.length; index++) {
      const weight = index < kernelNumbers ? (point[index] as number) : 0;
      penalty += weight * weight;
      gradient[index] = (values[index] as number) / rows + l2 * weight;
    }
    return { value: (values[point.length] as number) / rows + (l2 * penalty) / 2, gradient };
  };
  try {
    const found = minimise(objective, new Float64Array(kernelNumbers + classes), {
      tolerance,
      mostIterations,
    });
    const accuracy = tf.tidy(() => {
      const testX = tf.tensor2d(test.x, [test.y.length, width]);
      const answers = tf.argMax(linear(tf, testX, found.point, width, classes), 1).dataSync<"int32">();
      return (
        test.y.reduce((right, label, row) => right + (answers[row] === label ? 1 : 0), 0) / test.y.length
      );
    });
    return { accuracy, trainingRows: rows, iterations: found.iterations, converged: found.converged };
  } finally {
    x.dispose();
    labels.dispose();
  }
}

type Tensor2D = ReturnType<Tf["tensor2d"]>;

function linear(tf: Tf, x: Tensor2D, point: Float64Array, width: number, classes: number): Tensor2D {
  const kernel = tf.tensor2d(Float32Array.from(point.subarray(0, width * classes)), [width, classes]);
  const bias = tf.tensor1d(Float32Array.from(point.subarray(width * classes)));
  return tf.add(tf.matMul(x, kernel), bias);
}
