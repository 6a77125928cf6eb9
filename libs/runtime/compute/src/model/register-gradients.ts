import type { Tf } from "../layers/tensorflow.ts";

/**
 * The native package registers the gradients of all operations by itself; the bare core, which the other backends
 * use, comes without them. The registry is one per thread, whichever copy of the library asks.
 */
export async function registerGradients(tf: Tf): Promise<void> {
  if (tf.getGradient("AddN") === undefined)
    await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
}
