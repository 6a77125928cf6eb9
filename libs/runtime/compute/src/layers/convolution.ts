import { type LayerForward, parameter } from "./layer.ts";

/** Correlation over [batch, height, width, channels]; kernel [size, size, channels, filters]. */
export const convolution: LayerForward<"convolution"> = (context) => {
  const { tf, kernels, input, spec } = context;
  const convolved = tf.conv2d(
    input as never,
    parameter(context, "kernel") as never,
    spec.strides,
    spec.padding,
  );
  return spec.useBias ? kernels.addBias(convolved, parameter(context, "bias")) : convolved;
};

/** The transpose of `convolution` from outputs to inputs; kernel [size, size, filters, channels]. */
export const transposedConvolution: LayerForward<"transposedConvolution"> = (context) => {
  const { tf, kernels, input, outputShape, spec } = context;
  const convolved = tf.conv2dTranspose(
    input as never,
    parameter(context, "kernel") as never,
    [input.shape[0], ...outputShape] as [number, number, number, number],
    spec.strides,
    spec.padding,
  );
  return spec.useBias ? kernels.addBias(convolved, parameter(context, "bias")) : convolved;
};
