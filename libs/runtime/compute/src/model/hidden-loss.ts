import type { ReconstructionTerm } from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { rows } from "./latent-losses.ts";
import { probabilityMargin, type Reduction } from "./row-losses.ts";

/**
 * The loss of numbers that were hidden from the encoder, those of each sample by themselves (He et al. 2022, "Masked
 * autoencoders are scalable vision learners"): [batch]. The mean is over the sample's hidden numbers, so that a sample
 * counts the same however many of its squares were drawn, and no other sample has a say in it; one that nothing was hidden
 * of has the loss 0.
 * @param target [batch, n]
 * @param hidden [batch, n], 1 for what is compared, else 0
 */
export function hiddenLoss(
  tf: Tf,
  value: Tensor,
  target: Tensor,
  hidden: Tensor,
  of: {
    readonly loss: ReconstructionTerm["loss"];
    readonly isLogits: boolean;
    readonly reduction: Reduction;
  },
): Tensor {
  const sums = tf.sum(tf.mul(each(tf, rows(tf, value), target, of), hidden), 1);
  return of.reduction === "sum" ? sums : tf.div(sums, tf.maximum(tf.sum(hidden, 1), 1));
}

/** Number by number, [batch, n]; the logits' form as in `crossEntropyOfLogits`, which nothing overflows. */
function each(
  tf: Tf,
  value: Tensor,
  target: Tensor,
  { loss, isLogits }: { readonly loss: ReconstructionTerm["loss"]; readonly isLogits: boolean },
): Tensor {
  if (loss === "mse") return tf.square(tf.sub(value, target));
  if (loss !== "bce") throw new Error(`masked numbers are not compared by the loss "${loss}"`);
  if (isLogits) return tf.sub(tf.softplus(value), tf.mul(target, value));
  const p = tf.clipByValue(value, probabilityMargin, 1 - probabilityMargin);
  return tf.neg(tf.add(tf.mul(target, tf.log(p)), tf.mul(tf.sub(1, target), tf.log(tf.sub(1, p)))));
}
