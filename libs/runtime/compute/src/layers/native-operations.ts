import type { Tensor, TensorInfo, Tf } from "./tensorflow.ts";

/** The part of tfjs-node's backend that runs a TensorFlow operation by name. */
interface NativeBackend {
  readonly binding: {
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_BOOL: number;
    readonly TF_FLOAT: number;
  };
  executeSingleOutput(
    operation: string,
    attributes: readonly object[],
    inputs: readonly TensorInfo[],
  ): Tensor;
}

/** Runs an operation of one float32 output; `flags` are its boolean attributes. */
export type NativeOperation = (
  operation: string,
  inputs: readonly TensorInfo[],
  flags?: Readonly<Record<string, boolean>>,
) => Tensor;

/** TensorFlow's operations where this backend is TensorFlow itself, else undefined. */
export function nativeOperations(tf: Tf): NativeOperation | undefined {
  const backend: unknown = tf.backend();
  if (!isNative(backend)) return undefined;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = backend.binding;
  const float = { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT };
  return (operation, inputs, flags = {}) => {
    const booleans = Object.entries(flags).map(([name, value]) => ({ name, type: TF_ATTR_BOOL, value }));
    return backend.executeSingleOutput(operation, [float, ...booleans], inputs);
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

function isFloatMatrix({ shape, dtype }: TensorInfo): boolean {
  return shape.length === 2 && dtype === "float32";
}

const prepared = new WeakSet<Tf>();

/**
 * tfjs-node multiplies matrices as batches of one, with reshapes around it. This puts TensorFlow's own product of two
 * matrices in its place, for the forward pass and, as the stock gradients of a product are products, for the backward
 * pass; everything else still takes the way it took. Does nothing on other backends, or when done already.
 */
export function useNativeMatrixProduct(tf: Tf): void {
  const native = nativeOperations(tf);
  if (!native || prepared.has(tf)) return;
  prepared.add(tf);
  const name = tf.getBackend();
  const stock = tf.getKernel(tf.BatchMatMul, name);
  tf.unregisterKernel(tf.BatchMatMul, name);
  tf.registerKernel({
    ...stock,
    kernelFunc: (call) => {
      const { a, b } = call.inputs as { readonly a: TensorInfo; readonly b: TensorInfo };
      if (!isFloatMatrix(a) || !isFloatMatrix(b)) return stock.kernelFunc(call);
      const { transposeA, transposeB } = call.attrs as unknown as ProductAttributes;
      return native("MatMul", [a, b], { transpose_a: transposeA, transpose_b: transposeB });
    },
  });
}

interface ProductAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}
