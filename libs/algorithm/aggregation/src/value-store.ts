import {
  type Arithmetic,
  type Codec,
  codecBlockNumbers,
  encodedBytes,
  type FeedbackCodec,
  feedbackBytes,
  feedbackKernels,
  type OpenDigest,
} from "@latentweave/arithmetic";

/** Where a reducer's values live, and how two of them are added. A digest is fed the bytes that come with it, once. */
export interface ValueStore<V> {
  /** Copies little-endian numbers in. Throws PayloadLengthError when there are not as many as the store's values have. */
  take(bytes: Uint8Array, digest?: OpenDigest): V;
  /** left + right; consumes both and returns the sum (which may reuse the memory of either). */
  add(left: V, right: V): V;
  /**
   * The sum of a value and one that still lies in these bytes, without a copy of it; consumes the value. Absent where that
   * is not to be had, or where the order of the two matters. Throws as `take` does, and then the value is as it was.
   */
  addBytes?(value: V, bytes: Uint8Array, digest?: OpenDigest): V;
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

/** What `float32Values` can do besides. */
export interface Float32Values extends ValueStore<number> {
  addBytes(value: number, bytes: Uint8Array, digest?: OpenDigest): number;
  /** As `take`, of encoded numbers. */
  takeEncoded(codec: Codec, bytes: Uint8Array): number;
  /** As `takeEncoded`, of what a sender did not leave out. */
  takeFeedback(codec: FeedbackCodec, bytes: Uint8Array): number;
  /** What the codec makes of the value, in place. */
  round(codec: Codec, value: number): number;
}

/**
 * Float32 vectors of `length` numbers in WebAssembly memory; a value is a pointer. Bytes are copied once, sums are made
 * in place by the module's adder, and freed memory is reused for the next value of the same size, so that steps after
 * the first allocate nothing.
 */
export function float32Values(arithmetic: Arithmetic, length: number): Float32Values {
  const bytesEach = length * 4;
  /** Room for these bytes, which are as many as expected before and after: views of memory that has grown are empty. */
  const roomFor = (bytes: Uint8Array, expected: number): number => {
    if (bytes.byteLength !== expected) throw new PayloadLengthError(expected, bytes.byteLength);
    const pointer = arithmetic.allocate(expected);
    if (bytes.byteLength === expected) return pointer;
    arithmetic.free(pointer, expected);
    throw new PayloadLengthError(expected, bytes.byteLength);
  };
  const copied = (bytes: Uint8Array, expected: number): number => {
    const pointer = roomFor(bytes, expected);
    arithmetic.u8(pointer, expected).set(bytes);
    return pointer;
  };
  return {
    take(bytes, digest) {
      const pointer = roomFor(bytes, bytesEach);
      arithmetic.takeBytes(pointer, bytes, digest);
      return pointer;
    },
    add(left, right) {
      arithmetic.add(left, left, right, length);
      arithmetic.free(right, bytesEach);
      return left;
    },
    addBytes(value, bytes, digest) {
      if (bytes.byteLength !== bytesEach) throw new PayloadLengthError(bytesEach, bytes.byteLength);
      arithmetic.addBytes(value, value, bytes, digest);
      return value;
    },
    takeEncoded(codec, bytes) {
      const expected = encodedBytes(codec, length);
      const encoded = copied(bytes, expected);
      const pointer = arithmetic.allocate(bytesEach);
      arithmetic.decode(codec, pointer, encoded, length);
      arithmetic.free(encoded, expected);
      return pointer;
    },
    takeFeedback(codec, bytes) {
      const expected = feedbackBytes(codec, length);
      const encoded = copied(bytes, expected);
      const pointer = arithmetic.allocate(bytesEach);
      arithmetic.fill(pointer, 0, length);
      feedbackKernels(arithmetic).add(codec, pointer, encoded, length);
      arithmetic.free(encoded, expected);
      return pointer;
    },
    round(codec, pointer) {
      arithmetic.roundTo(codec, pointer, pointer, length);
      return pointer;
    },
    release: (pointer) => arithmetic.free(pointer, bytesEach),
  };
}

/** A vector that was handed over where it lay, until it is first added to another. */
export interface KeptVector {
  /** Where it lies: as it was given, or at a pointer into the arithmetic's memory. */
  at: Uint8Array | number;
  /** It is to be rounded before it is added to another. What it encodes to is the same before and after. */
  round?: Codec | undefined;
}

/** `float32Values` of somebody who hands his vectors over: one that is never added to another is never copied. */
export interface KeptFloat32Values extends ValueStore<KeptVector> {
  /** Keeps the bytes themselves: nobody may write to them any more. */
  take(bytes: Uint8Array, digest?: OpenDigest): KeptVector;
  /** What the codec makes of the value: made when it is needed. */
  round(codec: Codec, value: KeptVector): KeptVector;
  /** Some of a vector's numbers where they are; until the value is added to another or released. Not of a rounded one. */
  view(value: KeptVector, start: number, numbers: number): Uint8Array;
  /** Some of a vector's numbers, encoded into memory of their own; `start` counts whole blocks of the codec. */
  encoded(codec: Codec, value: KeptVector, start: number, numbers: number): Uint8Array;
}

export function keptFloat32Values(arithmetic: Arithmetic, length: number): KeptFloat32Values {
  const stored = float32Values(arithmetic, length);
  const pointerOf = (value: KeptVector): number => {
    if (typeof value.at !== "number") value.at = stored.take(value.at);
    if (value.round) stored.round(value.round, value.at);
    value.round = undefined;
    return value.at;
  };
  return {
    take(bytes, digest) {
      if (bytes.byteLength !== length * 4) throw new PayloadLengthError(length * 4, bytes.byteLength);
      digest?.feed(bytes);
      return { at: bytes };
    },
    add(left, right) {
      stored.add(pointerOf(left), pointerOf(right));
      return left;
    },
    addBytes(value, bytes, digest) {
      stored.addBytes(pointerOf(value), bytes, digest);
      return value;
    },
    release({ at }) {
      if (typeof at === "number") stored.release(at);
    },
    view: ({ at }, start, numbers) =>
      typeof at === "number"
        ? arithmetic.u8(at + start * 4, numbers * 4)
        : at.subarray(start * 4, (start + numbers) * 4),
    round(codec, value) {
      value.round = codec;
      return value;
    },
    encoded(codec, { at }, start, numbers) {
      const all = new Uint8Array(encodedBytes(codec, numbers));
      const [numbersAt, bytesAt] = [codecChunk * 4, encodedBytes(codec, codecChunk)].map((bytes) =>
        arithmetic.allocate(bytes),
      ) as [number, number];
      for (let from = 0; from < numbers; from += codecChunk) {
        const count = Math.min(codecChunk, numbers - from);
        const first = (start + from) * 4;
        const source = typeof at === "number" ? at + first : numbersAt;
        if (typeof at !== "number")
          arithmetic.u8(source, count * 4).set(at.subarray(first, first + count * 4));
        arithmetic.encode(codec, bytesAt, source, count);
        all.set(arithmetic.u8(bytesAt, encodedBytes(codec, count)), encodedBytes(codec, from));
      }
      arithmetic.free(numbersAt, codecChunk * 4);
      arithmetic.free(bytesAt, encodedBytes(codec, codecChunk));
      return all;
    },
  };
}

/** Numbers that go through a codec at once: as many as stay in the processor's cache. */
export const codecChunk = 64 * codecBlockNumbers;

/**
 * Small float64 vectors (losses, statistics) in JavaScript memory. Float64 addition is exact IEEE 754 in every engine,
 * denormals included, so no rule is needed beyond the order.
 */
export function float64Values(length: number): ValueStore<Float64Array> {
  const bytesEach = length * 8;
  const spare: Float64Array[] = [];
  return {
    take(bytes, digest) {
      if (bytes.byteLength !== bytesEach) throw new PayloadLengthError(bytesEach, bytes.byteLength);
      digest?.feed(bytes);
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
