import { nativeTensorFlow } from "./native-tensorflow.ts";
import type { Tensor, TensorInfo, Tf } from "./tensorflow.ts";

/** Runs an operation of one float32 output; `attributes` are its boolean and textual ones. */
export type NativeOperation = (
  operation: string,
  inputs: readonly TensorInfo[],
  attributes?: Readonly<Record<string, boolean | string>>,
) => Tensor;

/** TensorFlow's operations where this backend is TensorFlow itself, else undefined. */
export function nativeOperations(tf: Tf): NativeOperation | undefined {
  const backend = nativeTensorFlow(tf);
  if (!backend) return undefined;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_STRING, TF_FLOAT } = backend.binding;
  const float = { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT };
  return (operation, inputs, attributes = {}) => {
    const others = Object.entries(attributes).map(([name, value]) => ({
      name,
      type: typeof value === "string" ? TF_ATTR_STRING : TF_ATTR_BOOL,
      value,
    }));
    return backend.executeSingleOutput(operation, [float, ...others], inputs);
  };
}

function isFloatMatrix({ shape, dtype }: TensorInfo): boolean {
  return shape.length === 2 && dtype === "float32";
}

/** TensorFlow's operations with oneDNN under them are kernels with this label, which nothing asks for by itself. */
const oneDnnLabel = { _kernel: "MklNameChangeOp" };

const withOneDnn = new WeakMap<Tf, boolean>();

/**
 * Whether products of matrices can be oneDNN's. Those of Eigen are as fast for two matrices as they lie, but where one
 * is transposed, as in every backward pass, they spend up to half of their time turning it round.
 */
export function hasOneDnnProduct(tf: Tf): boolean {
  let known = withOneDnn.get(tf);
  if (known === undefined) withOneDnn.set(tf, (known = tryOneDnnProduct(tf)));
  return known;
}

function tryOneDnnProduct(tf: Tf): boolean {
  const native = nativeOperations(tf);
  // It is the CPU's.
  if (!native || nativeTensorFlow(tf)?.isUsingGpuDevice === true) return false;
  return tf.tidy(() => {
    try {
      const [a, b] = [tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])];
      const flags = { transpose_a: false, transpose_b: true };
      const product = native("_MklMatMul", [a, b], { ...flags, ...oneDnnLabel });
      return product.dataSync<"float32">().join() === "17,23,39,53";
    } catch {
      return false;
    }
  });
}

const prepared = new WeakSet<Tf>();

/**
 * tfjs-node multiplies matrices as batches of one, with reshapes around it. This puts TensorFlow's own product of two
 * matrices in its place, oneDNN's where there is one, for the forward pass and, as the stock gradients of a product are
 * products, for the backward pass; everything else still takes the way it took. Does nothing on other backends, or when
 * done already.
 */
export function useNativeMatrixProduct(tf: Tf): void {
  const native = nativeOperations(tf);
  if (!native || prepared.has(tf)) return;
  prepared.add(tf);
  const name = tf.getBackend();
  const isOneDnn = hasOneDnnProduct(tf);
  const stock = tf.getKernel(tf.BatchMatMul, name);
  tf.unregisterKernel(tf.BatchMatMul, name);
  tf.registerKernel({
    ...stock,
    kernelFunc: (call) => {
      const { a, b } = call.inputs as { readonly a: TensorInfo; readonly b: TensorInfo };
      if (!isFloatMatrix(a) || !isFloatMatrix(b)) return stock.kernelFunc(call);
      const { transposeA, transposeB } = call.attrs as unknown as ProductAttributes;
      const flags = { transpose_a: transposeA, transpose_b: transposeB };
      return isOneDnn
        ? native("_MklMatMul", [a, b], { ...flags, ...oneDnnLabel })
        : native("MatMul", [a, b], flags);
    },
  });
}

interface ProductAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}
