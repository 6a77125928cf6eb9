import type { Tensor, Tf } from "./tensorflow.ts";

/**
 * The same numbers, past which no gradient goes: the tape sees a value that was made of nothing, so that, other than
 * with a gradient of zeros, nothing is computed for what lies behind.
 */
export function detach(tf: Tf, x: Tensor): Tensor {
  return tf.customGrad(() => ({ value: x.clone(), gradFunc: () => [] }))();
}
