import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { rows } from "./latent-losses.ts";

/** Probabilities are kept this far from 0 and 1 where no logits are known, as Keras does. */
export const probabilityMargin = 1e-7;

/**
 * One value per row, [batch], and its derivative, [batch, n], in two factors: `gradient` of what was saved and of the
 * target, and a number.
 */
export interface RowLoss {
  readonly value: Tensor;
  readonly saved: Tensor;
  readonly gradient: (saved: Tensor, target: Tensor) => Tensor;
  readonly scale: number;
}

/** A loss of rows whose derivative is known in closed form: fewer and larger kernels than the tape would run. */
export function rowLoss(tf: Tf, value: Tensor, target: Tensor, loss: (rows: Tensor) => RowLoss): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [a, save] = inputs as [Tensor, (tensors: Tensor[]) => void];
    const { value: perRow, gradient, saved, scale } = loss(a);
    // The target too: one that was drawn is gone by the time of the backward pass.
    save([saved, target]);
    return {
      value: perRow,
      gradFunc: (dy: Tensor, kept: Tensor[]) =>
        tf.mul(gradient(kept[0] as Tensor, kept[1] as Tensor), tf.reshape(tf.mul(dy, scale), [-1, 1])),
    };
  })(rows(tf, value));
}

/** Over the numbers of a row: their sum, or, where nothing is said, their mean. */
export type Reduction = "sum" | undefined;

export function meanSquaredDifference(tf: Tf, value: Tensor, target: Tensor, reduction?: Reduction): Tensor {
  const numbers = target.shape[1] ?? 1;
  return rowLoss(tf, value, target, (prediction) => {
    const difference = tf.sub(prediction, target);
    return {
      value: reduce(tf, tf.square(difference), reduction),
      saved: difference,
      gradient: (kept) => kept,
      scale: reduction === "sum" ? 2 : 2 / numbers,
    };
  });
}

function reduce(tf: Tf, numbers: Tensor, reduction: Reduction): Tensor {
  return reduction === "sum" ? tf.sum(numbers, 1) : tf.mean(numbers, 1);
}

/** log(1 + e^l) − x·l, whose derivative is sigmoid(l) − x: no overflow, nothing cancels. */
export function crossEntropyOfLogits(tf: Tf, value: Tensor, target: Tensor, reduction: Reduction): Tensor {
  const numbers = target.shape[1] ?? 1;
  return rowLoss(tf, value, target, (logits) => ({
    value: reduce(tf, tf.sub(tf.softplus(logits), tf.mul(target, logits)), reduction),
    saved: logits,
    gradient: (kept, wanted) => tf.sub(tf.sigmoid(kept), wanted),
    scale: reduction === "sum" ? 1 : 1 / numbers,
  }));
}

export function crossEntropyOfProbabilities(
  tf: Tf,
  value: Tensor,
  target: Tensor,
  reduction: Reduction,
): Tensor {
  const p = tf.clipByValue(rows(tf, value), probabilityMargin, 1 - probabilityMargin);
  const one = tf.mul(target, tf.log(p));
  const zero = tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p)));
  return tf.neg(reduce(tf, tf.add(one, zero), reduction));
}
