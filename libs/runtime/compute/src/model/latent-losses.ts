import type { BoundTerm, LatentTerm, Posterior, UserLoss } from "@latentweave/model";
import { codesOf, towardsAverages, towardsEachOther } from "../layers/quantise.ts";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { discriminatorLoss, negativeLogSigmoid } from "./adversarial-losses.ts";

/** What terms are computed from. */
export interface LossContext {
  readonly tf: Tf;
  /** Of a node of the graph. */
  readonly value: (node: number) => Tensor;
  /** By tensor name. */
  readonly parameter: (tensor: string) => Tensor;
  /** Whether latents are draws, and not means. */
  readonly isDrawn: boolean;
  /** Whether this is training, in which masks hide what they mask. */
  readonly training: boolean;
  /** Of the job's extensions, by name. */
  readonly userLosses: Readonly<Record<string, UserLoss>>;
  /** Losses of the rows of a prediction, by its node: two terms may need them. */
  readonly rowLosses: Map<number, Tensor>;
}

/** Rates are kept this far from 0 and 1. */
const rateMargin = 1e-7;

/** A term on the latent alone, of each sample: [batch]. */
export function latentLoss(context: LossContext, term: LatentTerm): Tensor {
  const { tf, value, parameter } = context;
  switch (term.kind) {
    case "kl":
      return klDivergence(tf, value(term.mean), value(term.logVariance), term.freeBits);
    case "l1":
      return tf.sum(tf.abs(rows(tf, value(term.latent))), 1);
    case "sparsity": {
      const latent = rows(tf, value(term.latent));
      const mean = tf.clipByValue(tf.mean(latent, 0), rateMargin, 1 - rateMargin);
      const { rate } = term;
      const active = tf.mul(tf.log(tf.div(rate, mean)), rate);
      const silent = tf.mul(tf.log(tf.div(1 - rate, tf.sub(1, mean))), 1 - rate);
      return tf.mul(tf.ones([latent.shape[0]]), tf.sum(tf.add(active, silent)));
    }
    case "quantisation": {
      const squares = rows(tf, codeDistances(context, term));
      return term.reduction === "sum" ? tf.sum(squares, 1) : tf.mean(squares, 1);
    }
    case "generator":
      return negativeLogSigmoid(tf, value(term.logit));
    case "discriminator":
      return discriminatorLoss(context, term);
    case "contractive": {
      const latent = rows(tf, value(term.latent));
      const slope =
        term.activation === "sigmoid" ? tf.mul(latent, tf.sub(1, latent)) : tf.sub(1, tf.square(latent));
      const columns = tf.sum(tf.square(parameter(term.kernel.tensor)), 0);
      return tf.sum(tf.mul(tf.square(slope), columns), 1);
    }
  }
}

/** Weighed for whoever is drawn to the other: see the term. */
function codeDistances(
  { tf, value, parameter }: LossContext,
  { encoded, codebook, counts, commitment }: LatentTerm & { kind: "quantisation" },
): Tensor {
  const x = value(encoded);
  const tensor = parameter(codebook.tensor);
  return counts
    ? towardsAverages(tf, x, { sums: tensor, counts: parameter(counts.tensor) }, commitment)
    : towardsEachOther(tf, x, codesOf(tf, x, tensor), commitment);
}

/**
 * KL divergence of N(μ, σ²) from N(0, 1) of every unit, at least `freeBits`, summed over the units: [batch]. Its
 * gradients are known in closed form: μ and ½(σ² − 1), zero where the unit is below.
 */
export function klDivergence(tf: Tf, mean: Tensor, logVariance: Tensor, freeBits: number): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [mu, l, save] = inputs as [Tensor, Tensor, (tensors: Tensor[]) => void];
    const excess = tf.sub(tf.exp(l), 1);
    const units = tf.mul(tf.add(tf.square(mu), tf.sub(excess, l)), 0.5);
    save([mu, excess, units]);
    return {
      value: tf.sum(freeBits > 0 ? tf.maximum(units, freeBits) : units, 1),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [m, e, u] = saved as [Tensor, Tensor, Tensor];
        const each = tf.reshape(dy, [-1, 1]);
        const paid = freeBits > 0 ? tf.mul(each, tf.cast(tf.greater(u, freeBits), "float32")) : each;
        return [tf.mul(m, paid), tf.mul(tf.mul(e, 0.5), paid)];
      },
    };
  })(mean, logVariance);
}

/** log p(z) − log q(z|x) of each draw, [draws · batch]: what the normal densities have in common is left out. */
export function logPriorRatio(
  { tf, value }: LossContext,
  { logVariance, draw, sample }: Posterior & Pick<BoundTerm, "draw" | "sample">,
): Tensor {
  const l = value(logVariance);
  const [batch, units] = l.shape as [number, number];
  const apart = (x: Tensor): Tensor => tf.reshape(x, [-1, batch, units]);
  const squares = tf.sub(tf.square(apart(value(draw))), tf.square(apart(value(sample))));
  return tf.reshape(tf.mul(tf.sum(tf.add(squares, apart(l)), 2), 0.5), [-1]);
}

/** −log of the mean of exp over the draws, [batch] of [draws · batch] log weights; its derivative is −softmax. */
export function negativeLogMean(tf: Tf, logWeights: Tensor, batch: number): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [weights, save] = inputs as [Tensor, (tensors: Tensor[]) => void];
    const largest = tf.max(weights, 0);
    const shares = tf.exp(tf.sub(weights, largest));
    const total = tf.sum(shares, 0);
    save([shares, total]);
    return {
      value: tf.neg(tf.add(largest, tf.log(tf.div(total, weights.shape[0])))),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [s, t] = saved as [Tensor, Tensor];
        return tf.mul(s, tf.neg(tf.div(dy, t)));
      },
    };
  })(tf.reshape(logWeights, [-1, batch]));
}

/** [batch, ...shape] as [batch, numbers]. */
export function rows(tf: Tf, x: Tensor): Tensor {
  return x.rank === 2 ? x : tf.reshape(x, [x.shape[0], -1]);
}
