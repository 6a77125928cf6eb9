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

/** The part of tfjs-node's backend that runs a TensorFlow operation by name. */
interface NativeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
  executeSingleOutput(operation: string, attributes: readonly object[], inputs: readonly Tensor[]): Tensor;
}

function nativeKernels(tf: Tf): (GradientKernels & { readonly addBias: Kernels["addBias"] }) | undefined {
  const backend: unknown = tf.backend();
  if (!isNative(backend)) return undefined;
  const attributes = [{ name: "T", type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT }];
  const run = (operation: string, ...inputs: Tensor[]): Tensor =>
    backend.executeSingleOutput(operation, attributes, inputs);
  return {
    addBias: (x, bias) => run("BiasAdd", x, bias),
    biasGradient: (dy) => run("BiasAddGrad", dy),
    reluGradient: (dy, y) => run("ReluGrad", dy, y),
    sigmoidGradient: (dy, y) => run("SigmoidGrad", y, dy),
    tanhGradient: (dy, y) => run("TanhGrad", y, dy),
  };
}

function isNative(backend: unknown): backend is NativeBackend {
  return (
    typeof backend === "object" &&
    backend !== null &&
    "executeSingleOutput" in backend &&
    typeof backend.executeSingleOutput === "function" &&
    "binding" in backend &&
    typeof backend.binding === "object" &&
    backend.binding !== null &&
    "TF_ATTR_TYPE" in backend.binding
  );
}
