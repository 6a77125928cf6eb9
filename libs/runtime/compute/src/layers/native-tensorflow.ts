import type { Tensor, TensorInfo, Tf } from "./tensorflow.ts";

/** An attribute as tfjs-node hands it to TensorFlow; kinds and types are TensorFlow's numbers. */
export interface OperationAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

/** tfjs-node's functions of its own C++ part. */
export interface NativeBinding {
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_FLOAT: number;
  readonly TF_Version: string;
  createTensor(shape: readonly number[], type: number, values: unknown): number;
  executeOp(
    name: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): { readonly id: number }[];
  tensorDataSync(id: number): unknown;
}

/** The parts of tfjs-node's backend object that are not in TensorFlow.js's public types. */
export interface NativeTensorFlow {
  binding: NativeBinding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: {
    get(dataId: object): {
      readonly id: number;
      readonly shape: readonly number[];
      readonly dtype: number;
      /** Where no operation has used it yet. */
      readonly values: unknown;
    };
  };
  executeSingleOutput(
    operation: string,
    attributes: readonly OperationAttribute[],
    inputs: readonly TensorInfo[],
  ): Tensor;
}

/** The backend where it is TensorFlow itself, else undefined. */
export function nativeTensorFlow(tf: Tf): NativeTensorFlow | undefined {
  const backend: unknown = tf.backend();
  return isNative(backend) ? backend : undefined;
}

function isNative(backend: unknown): backend is NativeTensorFlow {
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
