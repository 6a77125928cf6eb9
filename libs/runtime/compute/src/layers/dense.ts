import { type LayerForward, parameter } from "./layer.ts";

/** x·kernel + bias for x of [batch, inputs]; kernel [inputs, units], or another layer's [units, inputs] transposed. */
export const dense: LayerForward<"dense"> = (context) => {
  const { tf, kernels, input, spec } = context;
  const tied = context.parameters.get("tiedKernel");
  const product = tied ? tf.matMul(input, tied, false, true) : tf.matMul(input, parameter(context, "kernel"));
  return spec.useBias ? kernels.addBias(product, parameter(context, "bias")) : product;
};
