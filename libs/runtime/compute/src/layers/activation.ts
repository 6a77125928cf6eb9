import type { ActivationName } from "@latentweave/model";
import type { Kernels } from "./kernels.ts";
import type { LayerForward } from "./layer.ts";
import type { Tensor, Tf } from "./tensorflow.ts";

/** Slope of leakyRelu below zero; TensorFlow's default. */
const leakySlope = 0.2;
/** sqrt(2 / π), of gelu's tanh form. */
const geluScale = 0.7978845608028654;

const activations: Readonly<Record<ActivationName, (x: Tensor, tf: Tf, kernels: Kernels) => Tensor>> = {
  linear: (x) => x,
  relu: (x, _tf, kernels) => kernels.relu(x),
  sigmoid: (x, _tf, kernels) => kernels.sigmoid(x),
  tanh: (x, _tf, kernels) => kernels.tanh(x),
  /** The tanh form, 0.5·x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³))): erf differs between backends. */
  gelu: (x, tf, kernels) => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), geluScale);
    return tf.mul(tf.mul(x, 0.5), tf.add(kernels.tanh(inner), 1));
  },
  softplus: (x, tf) => tf.softplus(x),
  leakyRelu: (x, tf) => tf.leakyRelu(x, leakySlope),
};

export const activation: LayerForward<"activation"> = ({ tf, kernels, input, spec }) =>
  activations[spec.activation](input, tf, kernels);
