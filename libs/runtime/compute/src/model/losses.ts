import type { LossTerm, MicroBatch } from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";

/** Probabilities are kept this far from 0 and 1 where no logits are known, as Keras does. */
const probabilityMargin = 1e-7;

/** Nodes that a term's loss reads. */
export function lossInputs(term: LossTerm): number {
  switch (term.kind) {
    case "reconstruction":
      return term.loss === "bce" ? (term.logits ?? term.prediction) : term.prediction;
    case "classification":
      return term.logits;
    case "regression":
      return term.prediction;
  }
}

/** Node that a term's metric reads. */
export function metricInput(term: LossTerm): number {
  return term.kind === "classification" ? term.logits : term.prediction;
}

/** A term's unweighted loss of each sample, [batch]; differentiable. `target` as from `targetTensor`. */
export function termLoss(tf: Tf, term: LossTerm, value: Tensor, target: Tensor): Tensor {
  switch (term.kind) {
    case "reconstruction":
      if (term.loss === "mse") return meanSquaredDifference(tf, value, target);
      return term.logits === undefined
        ? crossEntropyOfProbabilities(tf, value, target)
        : crossEntropyOfLogits(tf, value, target);
    case "classification":
      return softmaxCrossEntropy(tf, value, target);
    case "regression":
      return meanSquaredDifference(tf, value, target);
  }
}

/** A term's metric of each sample, [batch]: 1 where the largest logit is the label's, or the mean squared difference. */
export function termMetric(tf: Tf, term: LossTerm, value: Tensor, target: Tensor): Tensor {
  if (term.kind !== "classification") return meanSquaredDifference(tf, value, target);
  return tf.cast(tf.equal(tf.argMax(value, 1), tf.argMax(target, 1)), "float32");
}

/** What a term compares with, if not with the clean input: one-hot labels [batch, classes], or the regression column. */
export function targetValues(term: LossTerm, batch: MicroBatch): Float32Array | undefined {
  if (term.kind === "reconstruction") return undefined;
  const column = batch.columns[term.column];
  if (!column) throw new Error(`task "${batch.task}": the micro-batch lacks column "${term.column}"`);
  return term.kind === "regression" ? Float32Array.from(column) : oneHot(column, term.classes, term.name);
}

/** A tensor of `targetValues`, or of the input where there are none: [batch, numbers]. */
export function targetTensor(tf: Tf, x: Tensor, values: Float32Array | undefined): Tensor {
  const [batch] = x.shape as [number, ...number[]];
  return values ? tf.tensor2d(values, [batch, values.length / batch]) : rows(tf, x);
}

function oneHot(labels: ArrayLike<number>, classes: number, name: string): Float32Array {
  const values = new Float32Array(labels.length * classes);
  for (let sample = 0; sample < labels.length; sample += 1) {
    const label = labels[sample] ?? -1;
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new RangeError(`"${name}": label ${label} is none of the ${classes} classes 0 to ${classes - 1}`);
    values[sample * classes + label] = 1;
  }
  return values;
}

/** [batch, ...shape] as [batch, numbers]. */
function rows(tf: Tf, x: Tensor): Tensor {
  return x.rank === 2 ? x : tf.reshape(x, [x.shape[0], -1]);
}

/** One value per row, [batch], and its derivative, [batch, n], in two factors: `gradient` of what was saved, and a number. */
interface RowLoss {
  readonly value: Tensor;
  readonly saved: Tensor;
  readonly gradient: (saved: Tensor) => Tensor;
  readonly scale: number;
}

/** A loss of rows whose derivative is known in closed form: fewer and larger kernels than the tape would run. */
function rowLoss(tf: Tf, value: Tensor, loss: (rows: Tensor) => RowLoss): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [a, save] = inputs as [Tensor, (tensors: Tensor[]) => void];
    const { value: perRow, gradient, saved, scale } = loss(a);
    save([saved]);
    return {
      value: perRow,
      gradFunc: (dy: Tensor, kept: Tensor[]) =>
        tf.mul(gradient(kept[0] as Tensor), tf.reshape(tf.mul(dy, scale), [-1, 1])),
    };
  })(rows(tf, value));
}

function meanSquaredDifference(tf: Tf, value: Tensor, target: Tensor): Tensor {
  const numbers = target.shape[1] ?? 1;
  return rowLoss(tf, value, (prediction) => {
    const difference = tf.sub(prediction, target);
    return {
      value: tf.mean(tf.square(difference), 1),
      saved: difference,
      gradient: (kept) => kept,
      scale: 2 / numbers,
    };
  });
}

/** log(1 + e^l) − x·l, whose derivative is sigmoid(l) − x: no overflow, nothing cancels. */
function crossEntropyOfLogits(tf: Tf, value: Tensor, target: Tensor): Tensor {
  const numbers = target.shape[1] ?? 1;
  return rowLoss(tf, value, (logits) => ({
    value: tf.mean(tf.sub(tf.softplus(logits), tf.mul(target, logits)), 1),
    saved: logits,
    gradient: (kept) => tf.sub(tf.sigmoid(kept), target),
    scale: 1 / numbers,
  }));
}

function crossEntropyOfProbabilities(tf: Tf, value: Tensor, target: Tensor): Tensor {
  const p = tf.clipByValue(rows(tf, value), probabilityMargin, 1 - probabilityMargin);
  const one = tf.mul(target, tf.log(p));
  const zero = tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p)));
  return tf.neg(tf.mean(tf.add(one, zero), 1));
}

/** logSumExp(l) − l[label], whose derivative is softmax(l) − onehot(label). */
function softmaxCrossEntropy(tf: Tf, value: Tensor, target: Tensor): Tensor {
  return rowLoss(tf, value, (logits) => ({
    value: tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, target), 1)),
    saved: logits,
    gradient: (kept) => tf.sub(tf.softmax(kept), target),
    scale: 1,
  }));
}
