import type { LayerForward } from "./layer.ts";

/** Inverted dropout: in training each number is kept with probability 1 − rate and divided by it, else zero. */
export const dropout: LayerForward<"dropout"> = ({ tf, input, spec, training, random }) => {
  if (!training || spec.rate === 0) return input;
  return tf.mul(input, tf.tensor(random.mask(input.size, 1 - spec.rate, 0), input.shape));
};
