export interface WeightTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Weights by name, wherever they come from. Close it. */
export interface WeightSource {
  readonly tensors: readonly WeightTensor[];
  /** Row-major. */
  readFloat32(tensor: WeightTensor): Promise<Float32Array>;
  close(): Promise<void>;
}
