import { type LayerForward, parameter } from "./layer.ts";

/** x·kernel + bias for x of [batch, inputs]; kernel [inputs, units]. */
export const dense: LayerForward<"dense"> = (context) => {
  const { tf, kernels, input, spec } = context;
  const product = tf.matMul(input, parameter(context, "kernel"));
  return spec.useBias ? kernels.addBias(product, parameter(context, "bias")) : product;
};
