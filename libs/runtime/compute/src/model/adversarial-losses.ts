import type { DiscriminatorTerm } from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import type { LossContext } from "./latent-losses.ts";

/**
 * −log σ(l), [batch] of logits [batch, 1], and its derivative −σ(−l): no overflow, nothing cancels. Of a discriminator's
 * logit it is −log D, and of its negative −log(1 − D).
 */
export function negativeLogSigmoid(tf: Tf, logit: Tensor): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [l, save] = inputs as [Tensor, (tensors: Tensor[]) => void];
    const against = tf.neg(l);
    save([against]);
    return {
      value: tf.sum(tf.softplus(against), 1),
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tf.neg(tf.mul(tf.sigmoid(saved[0] as Tensor), tf.reshape(dy, [-1, 1]))),
    };
  })(logit);
}

/** −log D(p) − log(1 − D(z)), [batch]. */
export function discriminatorLoss({ tf, value }: LossContext, term: DiscriminatorTerm): Tensor {
  const ofPrior = negativeLogSigmoid(tf, value(term.ofPrior));
  return tf.add(ofPrior, negativeLogSigmoid(tf, tf.neg(value(term.ofEncoded))));
}

/** The share of the two that it tells, [batch]: with a positive logit it takes what it sees for a draw of the prior. */
export function discriminatorCorrect({ tf, value }: LossContext, term: DiscriminatorTerm): Tensor {
  const taken = (node: number): Tensor => tf.cast(tf.greater(tf.reshape(value(node), [-1]), 0), "float32");
  return tf.mul(tf.add(taken(term.ofPrior), tf.sub(1, taken(term.ofEncoded))), 0.5);
}
