import type { Arithmetic } from "@latentweave/arithmetic";

/** Where a reducer's values live, and how two of them are added. */
export interface ValueStore<V> {
  /** Copies little-endian numbers in. Throws PayloadLengthError when there are not as many as the store's values have. */
  take(bytes: Uint8Array): V;
  /** left + right; consumes both and returns the sum (which may reuse the memory of either). */
  add(left: V, right: V): V;
  /** Gives the memory of a value back. */
  release(value: V): void;
}

/** A payload slice is not as long as the layout says. */
export class PayloadLengthError extends Error {
  override readonly name = "PayloadLengthError";
  readonly expectedBytes: number;
  readonly receivedBytes: number;

  constructor(expectedBytes: number, receivedBytes: number) {
    super(`a payload slice of ${expectedBytes} bytes was expected, ${receivedBytes} arrived`);
    this.expectedBytes = expectedBytes;
    this.receivedBytes = receivedBytes;
  }
}

/**
 * Float32 vectors of `length` numbers in WebAssembly memory; a value is a pointer. Bytes are copied once, sums are made
 * in place by the module's adder, and freed memory is reused for the next value of the same size, so that steps after
 * the first allocate nothing.
 */
export function float32Values(arithmetic: Arithmetic, length: number): ValueStore<number> {
  const bytesEach = length * 4;
  return {
    take(bytes) {
      if (bytes.byteLength !== bytesEach) throw new PayloadLengthError(bytesEach, bytes.byteLength);
      const pointer = arithmetic.allocate(bytesEach);
      arithmetic.u8(pointer, bytesEach).set(bytes);
      return pointer;
    },
    add(left, right) {
      arithmetic.add(left, left, right, length);
      arithmetic.free(right, bytesEach);
      return left;
    },
    release: (pointer) => arithmetic.free(pointer, bytesEach),
  };
}

/**
 * Small float64 vectors (losses, statistics) in JavaScript memory. Float64 addition is exact IEEE 754 in every engine,
 * denormals included, so no rule is needed beyond the order.
 */
export function float64Values(length: number): ValueStore<Float64Array> {
  const bytesEach = length * 8;
  const spare: Float64Array[] = [];
  return {
    take(bytes) {
      if (bytes.byteLength !== bytesEach) throw new PayloadLengthError(bytesEach, bytes.byteLength);
      const value = spare.pop() ?? new Float64Array(length);
      new Uint8Array(value.buffer).set(bytes);
      return value;
    },
    add(left, right) {
      for (let i = 0; i < length; i++) left[i] = (left[i] ?? 0) + (right[i] ?? 0);
      spare.push(right);
      return left;
    },
    release: (value) => void spare.push(value),
  };
}
