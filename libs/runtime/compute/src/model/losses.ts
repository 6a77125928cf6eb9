import {
  type BoundTerm,
  comparedNode,
  type LossTerm,
  type MeasuredTerm,
  type ReconstructionTerm,
} from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { discriminatorCorrect } from "./adversarial-losses.ts";
import { categoricalCrossEntropy } from "./categories.ts";
import { gaussianLoss, headLoss, headMetrics } from "./head-losses.ts";
import {
  klDivergence,
  latentLoss,
  logPriorRatio,
  type LossContext,
  negativeLogMean,
  rows,
} from "./latent-losses.ts";
import { hiddenLoss } from "./hidden-loss.ts";
import { crossEntropyOfLogits, crossEntropyOfProbabilities, meanSquaredDifference } from "./row-losses.ts";
import { userLoss } from "./user-loss.ts";

/** Node that a term's metric reads, besides those of its loss. */
export function metricInput(term: MeasuredTerm): number {
  if (term.kind === "discriminator") return term.ofEncoded;
  return term.kind === "classification" || term.kind === "multiLabel" ? term.logits : term.prediction;
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
    case "multiLabel":
    case "regression":
    case "gaussian":
      return headLoss(tf, term, value(metricInput(term)), target);
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
function rowsOf(context: LossContext, term: ReconstructionTerm, given: Tensor): Tensor {
  const { tf, value, rowLosses } = context;
  const known = rowLosses.get(term.prediction);
  if (known) return known;
  const input = value(comparedNode(term));
  const target = repeated(tf, term.target === undefined ? given : rows(tf, value(term.target)), input);
  const losses = compared(context, term, input, target);
  rowLosses.set(term.prediction, losses);
  return losses;
}

function compared(context: LossContext, term: ReconstructionTerm, input: Tensor, target: Tensor): Tensor {
  const { tf, parameter, userLosses } = context;
  const { loss, logits, reduction, logVariance, blocks = [], mask } = term;
  if (mask !== undefined && context.training) {
    const hidden = tf.sub(1, rows(tf, context.value(mask)));
    return hiddenLoss(tf, input, target, hidden, { loss, isLogits: logits !== undefined, reduction });
  }
  switch (loss) {
    case "mse":
      return meanSquaredDifference(tf, input, target, reduction);
    case "bce":
      return logits === undefined
        ? crossEntropyOfProbabilities(tf, input, target, reduction)
        : crossEntropyOfLogits(tf, input, target, reduction);
    case "gaussian": {
      if (!logVariance) throw new Error("a Gaussian reconstruction lacks its variance");
      const squares = meanSquaredDifference(tf, input, target);
      const numbers = target.shape[1] ?? 1;
      return gaussianLoss(tf, squares, parameter(logVariance.tensor), reduction === "sum" ? numbers : 1);
    }
    case "categorical":
      return categoricalCrossEntropy(tf, input, target, blocks, reduction);
    case "user":
      return userLoss(tf, userLosses, term, rows(tf, input), target);
  }
}

/** The target once for every draw. */
function repeated(tf: Tf, target: Tensor, prediction: Tensor): Tensor {
  const draws = prediction.shape[0] / target.shape[0];
  return draws === 1 ? target : tf.tile(target, [draws, 1]);
}

/** A term's metrics of each sample, [batch] each, in the order of `metricsOf`. */
export function termMetrics(context: LossContext, term: MeasuredTerm, target: Tensor): Tensor[] {
  const { tf, value } = context;
  if (term.kind === "discriminator") return [discriminatorCorrect(context, term)];
  const input = value(metricInput(term));
  if (term.kind !== "reconstruction") return headMetrics(tf, term, input, target);
  return [
    meanSquaredDifference(tf, input, term.target === undefined ? target : rows(tf, value(term.target))),
  ];
}
