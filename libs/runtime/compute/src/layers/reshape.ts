import type { LayerContext } from "./layer.ts";
import type { Tensor } from "./tensorflow.ts";

/** Same numbers in the same row-major order; serves `reshape` and `flatten`. */
export function reshape({ tf, input, outputShape }: LayerContext): Tensor {
  return tf.reshape(input, [input.shape[0], ...outputShape]);
}
