import type { BoundTerm, LossTerm, MeasuredTerm, MicroBatch, ReconstructionTerm } from "@latentweave/model";
import { isHeadTerm } from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import {
  klDivergence,
  latentLoss,
  logPriorRatio,
  type LossContext,
  negativeLogMean,
  rows,
} from "./latent-losses.ts";
import { userLoss } from "./user-loss.ts";

/** Probabilities are kept this far from 0 and 1 where no logits are known, as Keras does. */
const probabilityMargin = 1e-7;

/** Node that a term's metric reads. */
export function metricInput(term: MeasuredTerm): number {
  return term.kind === "classification" ? term.logits : term.prediction;
}

/** A term's unweighted loss of each sample, [batch]; differentiable. `target` as from `targetTensor`. */
export function termLoss(context: LossContext, term: LossTerm, target: Tensor): Tensor {
  const { tf, value } = context;
  switch (term.kind) {
    case "reconstruction": {
      const losses = rowsOf(context, term, target);
      const batch = target.shape[0];
      return losses.shape[0] === batch ? losses : tf.mean(tf.reshape(losses, [-1, batch]), 0);
    }
    case "classification":
      return softmaxCrossEntropy(tf, value(term.logits), target);
    case "regression":
      return meanSquaredDifference(tf, value(term.prediction), target);
    case "bound": {
      if (context.isDrawn) return negativeLogMean(tf, logWeights(context, term, target), target.shape[0]);
      const kl = klDivergence(tf, value(term.mean), value(term.logVariance), 0);
      const { reconstruction } = term;
      return tf.add(tf.mul(rowsOf(context, reconstruction, target), reconstruction.weight), kl);
    }
    default:
      return latentLoss(context, term);
  }
}

/** log of p(x|z)·p(z)/q(z|x) of each draw, [draws · batch]. */
export function logWeights(
  context: LossContext,
  term: Pick<BoundTerm, "reconstruction" | "mean" | "logVariance" | "draw" | "sample">,
  target: Tensor,
): Tensor {
  const { tf } = context;
  const { reconstruction } = term;
  const losses = tf.mul(rowsOf(context, reconstruction, target), reconstruction.weight);
  return tf.sub(logPriorRatio(context, term), losses);
}

/** The reconstruction's loss of every row of the prediction: as many as the batch, or as its draws. */
function rowsOf(
  { tf, value, rowLosses, userLosses }: LossContext,
  term: ReconstructionTerm,
  given: Tensor,
): Tensor {
  const known = rowLosses.get(term.prediction);
  if (known) return known;
  const { loss, logits, prediction, reduction } = term;
  const input = value(loss === "bce" ? (logits ?? prediction) : prediction);
  const target = repeated(tf, term.target === undefined ? given : rows(tf, value(term.target)), input);
  const losses =
    loss === "user"
      ? userLoss(tf, userLosses, term, rows(tf, input), target)
      : loss === "mse"
        ? meanSquaredDifference(tf, input, target, reduction)
        : logits === undefined
          ? crossEntropyOfProbabilities(tf, input, target, reduction)
          : crossEntropyOfLogits(tf, input, target, reduction);
  rowLosses.set(prediction, losses);
  return losses;
}

/** The target once for every draw. */
function repeated(tf: Tf, target: Tensor, prediction: Tensor): Tensor {
  const draws = prediction.shape[0] / target.shape[0];
  return draws === 1 ? target : tf.tile(target, [draws, 1]);
}

/** A term's metric of each sample, [batch]: 1 where the largest logit is the label's, or the mean squared difference. */
export function termMetric({ tf, value }: LossContext, term: MeasuredTerm, target: Tensor): Tensor {
  const input = value(metricInput(term));
  if (term.kind === "classification")
    return tf.cast(tf.equal(tf.argMax(input, 1), tf.argMax(target, 1)), "float32");
  const own = term.kind === "reconstruction" && term.target !== undefined;
  return meanSquaredDifference(tf, input, own ? rows(tf, value(term.target)) : target);
}

/** What a term compares with, if not with the clean input: one-hot labels [batch, classes], or the regression column. */
export function targetValues(term: LossTerm, batch: MicroBatch): Float32Array | undefined {
  if (!isHeadTerm(term)) return undefined;
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

/**
 * One value per row, [batch], and its derivative, [batch, n], in two factors: `gradient` of what was saved and of the
 * target, and a number.
 */
interface RowLoss {
  readonly value: Tensor;
  readonly saved: Tensor;
  readonly gradient: (saved: Tensor, target: Tensor) => Tensor;
  readonly scale: number;
}

/** A loss of rows whose derivative is known in closed form: fewer and larger kernels than the tape would run. */
function rowLoss(tf: Tf, value: Tensor, target: Tensor, loss: (rows: Tensor) => RowLoss): Tensor {
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
type Reduction = "sum" | undefined;

function meanSquaredDifference(tf: Tf, value: Tensor, target: Tensor, reduction?: Reduction): Tensor {
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
function crossEntropyOfLogits(tf: Tf, value: Tensor, target: Tensor, reduction: Reduction): Tensor {
  const numbers = target.shape[1] ?? 1;
  return rowLoss(tf, value, target, (logits) => ({
    value: reduce(tf, tf.sub(tf.softplus(logits), tf.mul(target, logits)), reduction),
    saved: logits,
    gradient: (kept, wanted) => tf.sub(tf.sigmoid(kept), wanted),
    scale: reduction === "sum" ? 1 : 1 / numbers,
  }));
}

function crossEntropyOfProbabilities(tf: Tf, value: Tensor, target: Tensor, reduction: Reduction): Tensor {
  const p = tf.clipByValue(rows(tf, value), probabilityMargin, 1 - probabilityMargin);
  const one = tf.mul(target, tf.log(p));
  const zero = tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p)));
  return tf.neg(reduce(tf, tf.add(one, zero), reduction));
}

/** logSumExp(l) − l[label], whose derivative is softmax(l) − onehot(label). */
function softmaxCrossEntropy(tf: Tf, value: Tensor, target: Tensor): Tensor {
  return rowLoss(tf, value, target, (logits) => ({
    value: tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, target), 1)),
    saved: logits,
    gradient: (kept, wanted) => tf.sub(tf.softmax(kept), wanted),
    scale: 1,
  }));
}
