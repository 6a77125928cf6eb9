import type { HeadTerm } from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { crossEntropyOfLogits, meanSquaredDifference, rowLoss } from "./row-losses.ts";

/** log 2π. */
const logTwoPi = 1.837_877_066_409_345_5;

/** Least variance that a head claims, as in PyTorch's GaussianNLLLoss: a mean that is met exactly has no finite best one. */
const leastVariance = 1e-6;

/**
 * A head's loss of each sample, [batch]; differentiable. Where labels are missing, a sample without one has 0.
 * @param target as from `headTarget`
 */
export function headLoss(tf: Tf, term: HeadTerm, value: Tensor, target: Tensor): Tensor {
  const isPartial = term.labelled !== undefined;
  switch (term.kind) {
    case "classification":
      return softmaxCrossEntropy(tf, value, target, isPartial);
    case "multiLabel":
      return isPartial
        ? presentCrossEntropy(tf, value, target)
        : crossEntropyOfLogits(tf, value, target, undefined);
    case "regression":
      return isPartial ? presentSquares(tf, value, target) : meanSquaredDifference(tf, value, target);
    case "gaussian":
      return gaussianHeadLoss(tf, value, target, term.numbers, isPartial);
  }
}

/** A head's metrics of each sample, in the order of `metricsOf`. */
export function headMetrics(tf: Tf, term: HeadTerm, value: Tensor, target: Tensor): Tensor[] {
  const isPartial = term.labelled !== undefined;
  switch (term.kind) {
    case "classification": {
      const correct = tf.cast(tf.equal(tf.argMax(value, 1), tf.argMax(target, 1)), "float32");
      return [isPartial ? tf.mul(correct, tf.sum(target, 1)) : correct];
    }
    case "multiLabel": {
      const [wanted, there] = targetParts(tf, target, isPartial);
      const predicted = tf.cast(tf.greater(value, 0), "float32");
      const absent = tf.sub(there ?? 1, wanted);
      return [
        tf.sum(tf.mul(predicted, wanted), 1),
        tf.sum(tf.mul(predicted, absent), 1),
        tf.sum(tf.mul(tf.sub(1, predicted), wanted), 1),
      ];
    }
    case "regression":
    case "gaussian": {
      const mean = term.kind === "gaussian" ? columns(tf, value, 0, term.numbers) : value;
      return [isPartial ? presentSquares(tf, mean, target) : meanSquaredDifference(tf, mean, target)];
    }
  }
}

/** ½·numbers·(log 2π + s + squares/eˢ): a normal density's −log with the variance eˢ. @param squares [batch], @param s [1] */
export function gaussianLoss(tf: Tf, squares: Tensor, s: Tensor, numbers: number): Tensor {
  const share = tf.mul(squares, tf.exp(tf.neg(s)));
  return tf.mul(tf.add(tf.add(share, s), logTwoPi), numbers / 2);
}

/** logSumExp(l) − l[label], whose derivative is softmax(l) − onehot(label); both 0 where there is no label. */
function softmaxCrossEntropy(tf: Tf, value: Tensor, target: Tensor, isPartial: boolean): Tensor {
  return rowLoss(tf, value, target, (logits) => {
    const all = tf.logSumExp(logits, 1);
    return {
      value: tf.sub(isPartial ? tf.mul(all, tf.sum(target, 1)) : all, tf.sum(tf.mul(logits, target), 1)),
      saved: logits,
      gradient: (kept, wanted) => {
        const shares = tf.softmax(kept);
        return tf.sub(isPartial ? tf.mul(shares, tf.sum(wanted, 1, true)) : shares, wanted);
      },
      scale: 1,
    };
  });
}

/** Mean over all targets of the squared differences of those that are there. */
function presentSquares(tf: Tf, value: Tensor, target: Tensor): Tensor {
  const numbers = (target.shape[1] ?? 2) / 2;
  return rowLoss(tf, value, target, (prediction) => {
    const [wanted, there] = targetParts(tf, target, true);
    const difference = tf.mul(tf.sub(prediction, wanted), there as Tensor);
    return {
      value: tf.mean(tf.square(difference), 1),
      saved: difference,
      gradient: (kept) => kept,
      scale: 2 / numbers,
    };
  });
}

/** Mean over all labels of the sigmoid cross-entropy of those that are there. */
function presentCrossEntropy(tf: Tf, value: Tensor, target: Tensor): Tensor {
  const numbers = (target.shape[1] ?? 2) / 2;
  return rowLoss(tf, value, target, (logits) => {
    const [wanted, there] = targetParts(tf, target, true);
    const each = tf.sub(tf.softplus(logits), tf.mul(wanted, logits));
    return {
      value: tf.mean(tf.mul(each, there as Tensor), 1),
      saved: logits,
      gradient: (kept, given) => {
        const [label, known] = targetParts(tf, given, true);
        return tf.mul(tf.sub(tf.sigmoid(kept), label), known as Tensor);
      },
      scale: 1 / numbers,
    };
  });
}

/**
 * ½(log 2π + log v + d²/v) with d = μ − y, v = eˢ + the least variance (Nix and Weigend 1994; Kendall and Gal 2017). Its
 * derivatives are d/v and ½eˢ(1 − d²/v)/v.
 */
function gaussianHeadLoss(
  tf: Tf,
  value: Tensor,
  target: Tensor,
  numbers: number,
  isPartial: boolean,
): Tensor {
  const partsOf = (prediction: Tensor, given: Tensor) => {
    const [wanted, there] = targetParts(tf, given, isPartial);
    const power = tf.exp(columns(tf, prediction, numbers, numbers));
    const variance = tf.add(power, leastVariance);
    const difference = tf.sub(columns(tf, prediction, 0, numbers), wanted);
    const counted = (x: Tensor): Tensor => (there ? tf.mul(x, there) : x);
    return { power, variance, difference, counted };
  };
  return rowLoss(tf, value, target, (prediction) => {
    const { variance, difference, counted } = partsOf(prediction, target);
    const share = tf.div(tf.square(difference), variance);
    const each = tf.mul(tf.add(tf.add(tf.log(variance), share), logTwoPi), 0.5);
    return {
      value: tf.mean(counted(each), 1),
      saved: prediction,
      gradient: (kept, given) => {
        const at = partsOf(kept, given);
        const ofMean = tf.div(at.difference, at.variance);
        const excess = tf.sub(1, tf.div(tf.square(at.difference), at.variance));
        const ofPower = tf.mul(tf.div(tf.mul(excess, at.power), at.variance), 0.5);
        return tf.concat([at.counted(ofMean), at.counted(ofPower)], 1);
      },
      scale: 1 / numbers,
    };
  });
}

/** Values of a target and, where some are missing, 1 for each that is there and 0 for the others. */
function targetParts(
  tf: Tf,
  target: Tensor,
  isPartial: boolean,
): readonly [values: Tensor, there: Tensor | undefined] {
  if (!isPartial) return [target, undefined];
  const numbers = (target.shape[1] ?? 2) / 2;
  return [columns(tf, target, 0, numbers), columns(tf, target, numbers, numbers)];
}

function columns(tf: Tf, rows: Tensor, start: number, count: number): Tensor {
  return tf.slice(rows, [0, start], [-1, count]);
}
