import { Arena } from "./arena.ts";
import { passBytes, type PassKernels, recordPass, runPass } from "./block-pass.ts";
import { type Codec, codecNumber } from "./codec.ts";
import { type DigestPiece, digestOf, ModuleDigest, throughWindow } from "./digest.ts";
import { instantiate } from "./instance.ts";
import type { Key } from "./key.ts";
import { kernelOperations, type NativeKernels } from "./native-kernels.ts";
import { adamArguments, momentumArguments, sgdArguments } from "./optimiser-arguments.ts";

/**
 * The one arithmetic for numbers that reach a weight: a WebAssembly instance with a memory of its own. Vectors are
 * addressed by pointer (byte address, a multiple of 4) and length n (elements, not bytes). `dst` may equal a source;
 * otherwise ranges must not overlap. The rules are written down in docs/arithmetic.md.
 */
export interface Arithmetic
  extends BlockKernels, CodecKernels, LargestKernels, OptimiserKernels, RandomFills {
  /** 64-byte aligned; contents undefined. Throws ArithmeticMemoryError past 4 GiB. May grow the memory: see `f32`. */
  allocate(bytes: number): number;
  /**
   * Whole pages of 64 KiB (`arithmeticPageBytes`), zero, at a multiple of that; kept for good. For memory that the
   * system is to treat apart. Throws ArithmeticMemoryError.
   */
  allocatePages(pages: number): number;
  /** `bytes` as passed to `allocate`. Throws InvalidFreeError for anything else. */
  free(pointer: number, bytes: number): void;
  /** Bytes allocated and not freed. */
  readonly usedBytes: number;
  /** Bytes of the memory as a whole: never shrinks. */
  readonly memoryBytes: number;

  /**
   * A view of n float32 at `pointer`. Any later `allocate` may grow the memory, which detaches every view (its length
   * becomes 0): take views after allocating, use them, drop them; keep pointers.
   */
  f32(pointer: number, n: number): Float32Array<ArrayBuffer>;
  /** A view of n float64 at `pointer` (a multiple of 8), under the same condition as `f32`. */
  f64(pointer: number, n: number): Float64Array<ArrayBuffer>;
  /** A view of n bytes at `pointer`, under the same condition as `f32`. */
  u8(pointer: number, n: number): Uint8Array<ArrayBuffer>;

  /** Float64 functions with the same bits on every machine; accurate to about one unit in the last place. */
  exp(x: number): number;
  log(x: number): number;
  pow(base: number, exponent: number): number;
  sin(x: number): number;
  cos(x: number): number;
  tanh(x: number): number;

  /**
   * XXH3 (64 bits, seed 0) of the pieces laid end to end, as 16 hexadecimal digits. Bytes that lie outside this memory are
   * copied in through a window of the module's own: nothing is allocated, no view is detached.
   */
  digest(...pieces: readonly DigestPiece[]): string;
  /** `digest` of pieces that are shown one after the other, with anything else in between. */
  openDigest(): OpenDigest;
}

/** Any number may be open at once. */
export interface OpenDigest {
  feed(bytes: Uint8Array): void;
  /** To be called once. */
  end(): string;
}

/** Float32 vectors; inputs and results flushed (docs/arithmetic.md, "Denormals"). */
export interface BlockKernels {
  /** dst = a + b: the adder of the reduction tree. */
  add(dst: number, a: number, b: number, n: number): void;
  /**
   * The same, with little-endian numbers that lie outside this memory as the second summand.
   * @param digest is fed them too, while they are in cache
   */
  addBytes(dst: number, a: number, bytes: Uint8Array, digest?: OpenDigest): void;
  /** dst = bytes that lie outside this memory. @param digest as of `addBytes` */
  takeBytes(dst: number, bytes: Uint8Array, digest?: OpenDigest): void;
  /** dst = w·src, with w rounded to float32. */
  scaleInto(dst: number, src: number, w: number, n: number): void;
  /** dst += w·src, with w rounded to float32; two roundings, no fused multiply-add. */
  accumulate(dst: number, src: number, w: number, n: number): void;
  /** Every element becomes `value`, rounded to float32. */
  fill(dst: number, value: number, n: number): void;
  /** Σ aᵢbᵢ in float64, in the fixed order of docs/arithmetic.md; float32 products are exact there. */
  dot(a: number, b: number, n: number): number;
  /** Σ aᵢ² in float64, in the order of `dot`. */
  sumSquares(a: number, n: number): number;
  /** Row-major [T, T]: `dot` of each of T vectors with each. */
  products(vectors: readonly number[], n: number): Float64Array;
  /** `products` of each of these. */
  productsOfEach(all: readonly VectorsOf[]): Float64Array[];
  /** False when an element is NaN or infinite. */
  allFinite(pointer: number, n: number): boolean;
  /**
   * Does to each block of n numbers what `say` calls, all of it to one block before the next, so that what one operation
   * writes the next one finds in cache. Where there are threads for it, they share the blocks.
   * @param say each operation is to be on all n numbers; `scratch` stands for room of the block's own
   * @throws RangeError where one is not
   */
  inBlocks(n: number, say: (kernels: PassKernels, scratch: number) => void): void;
}

/** Vectors of n numbers each. */
export interface VectorsOf {
  readonly vectors: readonly number[];
  readonly n: number;
}

/**
 * Float32 vectors in fewer bytes. What is finite stays finite, what is not stays not; decode(encode(x)) encodes to the
 * same bytes again. `int8` counts its blocks from the vector's first number.
 */
export interface CodecKernels {
  /** Writes `encodedBytes(codec, n)` bytes to `dst`. */
  encode(codec: Codec, dst: number, src: number, n: number): void;
  decode(codec: Codec, dst: number, src: number, n: number): void;
  /** dst = decode(encode(src)), without the bytes between; `dst` may equal `src`. */
  roundTo(codec: Codec, dst: number, src: number, n: number): void;
}

/**
 * The largest numbers of each block of `largestBlockNumbers`, as many as `kept` of a whole one, with their places
 * (docs/arithmetic.md, "Largest numbers"). Blocks are counted from the vector's first number.
 */
export interface LargestKernels {
  /**
   * Writes `largestBytes(n, kept)` bytes to `dst`; `src` becomes what is left without what was written. A block with a
   * number that is not finite is written as NaN, and nothing is left of it.
   */
  takeLargest(dst: number, src: number, n: number, kept: number): void;
  /** dst += what was written, by the adder; whatever is not among it keeps its bits. Never reads past those bytes. */
  addLargest(dst: number, src: number, n: number, kept: number): void;
}

/** Float32 vectors of one parameter block; version n is read, version n+1 written, `next` pointers may equal theirs. */
export interface BlockUpdate {
  readonly params: number;
  readonly next: number;
  readonly gradient: number;
  readonly n: number;
  /** The gradient is multiplied by this first (clipping, averaging); 1 changes no bit. */
  readonly gradientScale: number;
  /** L2 penalty added to the gradient: g + l2·p. */
  readonly l2: number;
}

/** Numbers are rounded to float32 on the way in; formulas in docs/arithmetic.md, "Optimisers". */
export interface OptimiserKernels {
  sgd(block: BlockUpdate, learningRate: number): void;
  momentum(
    block: BlockUpdate & { readonly velocity: number; readonly nextVelocity: number },
    rule: { readonly learningRate: number; readonly momentum: number; readonly nesterov: boolean },
  ): void;
  adam(
    block: BlockUpdate & {
      readonly m: number;
      readonly v: number;
      readonly nextM: number;
      readonly nextV: number;
    },
    rule: {
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      /** learningRate / (1 − beta1^t) */
      readonly stepSize: number;
      /** 1 / √(1 − beta2^t) */
      readonly rootScale: number;
      /** learningRate·weightDecay for decoupled decay (AdamW), else 0. */
      readonly decay: number;
    },
  ): void;
}

/**
 * Counter-based draws: element j of a fill is draw number `offset + j` of its kind under `key` and depends on nothing
 * else, so any part can be drawn alone. Kinds are independent of each other under one key. offset + n < 2^53.
 */
export interface RandomFills {
  /** Float32 in [low, high); where rounding to float32 would land on `high`, `high` itself. */
  fillUniform(pointer: number, n: number, key: Key, offset: number, low: number, high: number): void;
  fillNormal(pointer: number, n: number, key: Key, offset: number, mean: number, std: number): void;
  /** `scale` with probability `keepProbability`, else 0. */
  fillBernoulliMask(
    pointer: number,
    n: number,
    key: Key,
    offset: number,
    keepProbability: number,
    scale: number,
  ): void;
}

/**
 * A fresh instance: its memory starts small and grows to at most 4 GiB. Synchronous; about a millisecond.
 *
 * @param kernels take over what there is most of; they must have been compared with the module (`differingKernel`)
 */
export function loadArithmetic(kernels?: NativeKernels): Arithmetic {
  const wasm = instantiate();
  const arena = new Arena(wasm.memory, wasm.heapBase());
  const { memory, exp, log, pow, sin, cos, tanh, add, scaleInto, accumulate, fill, dot } = wasm;
  let scratch: number | undefined;
  const operations: ArithmeticOperations = {
    allocate: (bytes) => arena.allocate(bytes),
    allocatePages: (pages) => arena.allocatePages(pages),
    free: (pointer, bytes) => arena.free(pointer, bytes),
    f32: (pointer, n) => new Float32Array(memory.buffer, pointer, n),
    f64: (pointer, n) => new Float64Array(memory.buffer, pointer, n),
    u8: (pointer, n) => new Uint8Array(memory.buffer, pointer, n),
    ...{ exp, log, pow, sin, cos, tanh, add, scaleInto, accumulate, fill, dot },
    addBytes(dst, a, bytes, digest) {
      throughWindow(wasm, bytes, (at, length, from) => add(dst + from, a + from, at, length / 4));
      digest?.feed(bytes);
    },
    takeBytes(dst, bytes, digest) {
      new Uint8Array(memory.buffer, dst, bytes.byteLength).set(bytes);
      digest?.feed(bytes);
    },
    digest: (...pieces) => digestOf(wasm, pieces),
    openDigest: () => new ModuleDigest(wasm),
    sumSquares: (a, n) => dot(a, a, n),
    products: (vectors, n) => productsOf(dot, vectors, n),
    productsOfEach: (all) => all.map(({ vectors, n }) => productsOf(dot, vectors, n)),
    allFinite: (pointer, n) => wasm.allFinite(pointer, n) === 1,
    inBlocks(n, say) {
      scratch ??= arena.allocate(passBytes);
      const plain = {
        ...wasm,
        scaleInto: (dst: number, src: number, count: number, w: number) => scaleInto(dst, src, w, count),
        accumulate: (dst: number, src: number, count: number, w: number) => accumulate(dst, src, w, count),
        digestInto(pointer: number, count: number, into: number) {
          new BigUint64Array(memory.buffer, into, 1)[0] = BigInt(
            `0x${digestOf(wasm, [{ pointer, bytes: count * 4 }])}`,
          );
        },
      };
      runPass(plain, recordPass(n, scratch, pow, say), n, scratch);
    },
    encode: (codec, dst, src, n) => wasm.encode(codecNumber(codec), dst, src, n),
    decode: (codec, dst, src, n) => wasm.decode(codecNumber(codec), dst, src, n),
    roundTo: (codec, dst, src, n) => wasm.roundTo(codecNumber(codec), dst, src, n),
    takeLargest: (dst, src, n, kept) => wasm.takeLargest(dst, src, n, kept),
    addLargest: (dst, src, n, kept) => wasm.addLargest(dst, src, n, kept),
    sgd: (...args) => wasm.sgd(...sgdArguments(...args)),
    momentum: (...args) => wasm.momentum(...momentumArguments(...args)),
    adam: (...args) => wasm.adam(...adamArguments(...args)),
    fillUniform: (pointer, n, key, offset, low, high) =>
      wasm.fillUniform(pointer, n, key.low, key.high, offset, low, high),
    fillNormal: (pointer, n, key, offset, mean, std) =>
      wasm.fillNormal(pointer, n, key.low, key.high, offset, mean, std),
    fillBernoulliMask: (pointer, n, key, offset, keepProbability, scale) =>
      wasm.fillBernoulliMask(pointer, n, key.low, key.high, offset, keepProbability, scale),
    ...(kernels && kernelOperations(kernels, { memory, pow, allocate: (bytes) => arena.allocate(bytes) })),
  };
  return withSizes(
    operations,
    () => arena.usedBytes,
    () => memory.buffer.byteLength,
  );
}

function productsOf(
  dot: Arithmetic["dot"],
  vectors: readonly number[],
  n: number,
): Float64Array<ArrayBuffer> {
  const count = vectors.length;
  const products = new Float64Array(count * count);
  vectors.forEach((a, row) => {
    for (let column = row; column < count; column++) {
      const product = dot(a, vectors[column] as number, n);
      products[row * count + column] = product;
      products[column * count + row] = product;
    }
  });
  return products;
}

/** What is called, apart from what is read. */
export type ArithmeticOperations = Omit<Arithmetic, keyof Sizes>;

/** An arithmetic of these operations that asks for its sizes. */
export function withSizes(
  operations: ArithmeticOperations,
  used: () => number,
  whole: () => number,
): Arithmetic {
  return Object.assign(new Sizes(used, whole), operations);
}

/** A class, for V8 keeps an object whose literal has a getter as a dictionary: every call above would be looked up by name. */
class Sizes {
  readonly #used: () => number;
  readonly #whole: () => number;
  constructor(used: () => number, whole: () => number) {
    this.#used = used;
    this.#whole = whole;
  }
  get usedBytes(): number {
    return this.#used();
  }
  get memoryBytes(): number {
    return this.#whole();
  }
}
