import { nativeOperations } from "./native-operations.ts";
import type { Tensor, Tf } from "./tensorflow.ts";

/**
 * Operations of which the stock gradients are dear: on the native runtime their gradients are TensorFlow's own
 * kernels, elsewhere the same thing composed of public operations.
 */
export interface Kernels {
  /** [..., n] plus [n]. */
  readonly addBias: (x: Tensor, bias: Tensor) => Tensor;
  readonly relu: (x: Tensor) => Tensor;
  readonly sigmoid: (x: Tensor) => Tensor;
  readonly tanh: (x: Tensor) => Tensor;
}

export function createKernels(tf: Tf): Kernels {
  const native = nativeKernels(tf);
  const { biasGradient, reluGradient, sigmoidGradient, tanhGradient } = native ?? composedKernels(tf);
  return {
    addBias: (x, bias) =>
      tf.customGrad((...inputs: unknown[]) => {
        const [a, b] = inputs as [Tensor, Tensor];
        return {
          value: native ? native.addBias(a, b) : tf.add(a, b),
          gradFunc: (dy: Tensor) => [dy.clone(), biasGradient(dy)],
        };
      })(x, bias),
    relu: (x) => throughOutput(tf, x, (a) => tf.relu(a), reluGradient),
    sigmoid: (x) => throughOutput(tf, x, (a) => tf.sigmoid(a), sigmoidGradient),
    tanh: (x) => throughOutput(tf, x, (a) => tf.tanh(a), tanhGradient),
  };
}

/** An elementwise function whose derivative can be told from its value. */
function throughOutput(
  tf: Tf,
  x: Tensor,
  forward: (x: Tensor) => Tensor,
  gradient: (dy: Tensor, y: Tensor) => Tensor,
): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [a, save] = inputs as [Tensor, (tensors: Tensor[]) => void];
    const y = forward(a);
    save([y]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => gradient(dy, saved[0] as Tensor),
    };
  })(x);
}

interface GradientKernels {
  readonly biasGradient: (dy: Tensor) => Tensor;
  readonly reluGradient: (dy: Tensor, y: Tensor) => Tensor;
  readonly sigmoidGradient: (dy: Tensor, y: Tensor) => Tensor;
  readonly tanhGradient: (dy: Tensor, y: Tensor) => Tensor;
}

function composedKernels(tf: Tf): GradientKernels {
  return {
    biasGradient: (dy) => tf.sum(tf.reshape(dy, [-1, dy.shape.at(-1) ?? 1]), 0),
    reluGradient: (dy, y) => tf.mul(dy, tf.step(y)),
    sigmoidGradient: (dy, y) => tf.mul(dy, tf.sub(y, tf.square(y))),
    tanhGradient: (dy, y) => tf.sub(dy, tf.mul(dy, tf.square(y))),
  };
}

function nativeKernels(tf: Tf): (GradientKernels & { readonly addBias: Kernels["addBias"] }) | undefined {
  const native = nativeOperations(tf);
  if (!native) return undefined;
  return {
    addBias: (x, bias) => native("BiasAdd", [x, bias]),
    biasGradient: (dy) => native("BiasAddGrad", [dy]),
    reluGradient: (dy, y) => native("ReluGrad", [dy, y]),
    sigmoidGradient: (dy, y) => native("SigmoidGrad", [y, dy]),
    tanhGradient: (dy, y) => native("TanhGrad", [y, dy]),
  };
}
