import type { LayerForward } from "./layer.ts";

/** Maximum or mean over windows that lie wholly inside the image, [batch, height, width, channels]. */
export const pooling: LayerForward<"pooling"> = ({ tf, input, spec }) => {
  const pool = spec.pool === "max" ? tf.maxPool : tf.avgPool;
  return pool(input as never, spec.size, spec.strides, "valid");
};
