/** An array as a file gives it: first axis counts samples, values in row-major order. */
export interface ArrayData {
  readonly shape: readonly number[];
  readonly values: ArrayValues;
}

/** Bytes stay bytes; whole numbers of up to 32 bits stay exact; every other type is float32. */
export type ArrayValues =
  | { readonly dtype: "uint8"; readonly data: Uint8Array }
  | { readonly dtype: "int32"; readonly data: Int32Array }
  | { readonly dtype: "float32"; readonly data: Float32Array };
