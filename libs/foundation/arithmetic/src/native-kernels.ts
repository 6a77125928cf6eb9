import type { Arithmetic, BlockUpdate, OpenDigest } from "./arithmetic.ts";
import { passBytes, recordPass } from "./block-pass.ts";
import { codecNumber, encodedBytes } from "./codec.ts";
import { largestBytes } from "./largest.ts";
import { adamArguments, momentumArguments, sgdArguments } from "./optimiser-arguments.ts";

/**
 * The module's kernels, compiled for the processor at hand (libs/runtime/native/src/addons/kernels-source.ts). They
 * work where the module does, in its memory: `base` is the address at which it begins.
 */
export interface NativeKernels {
  address(view: Uint8Array): number;
  add(base: number, dst: number, a: number, b: number, n: number): void;
  /** The state of an open digest, where there is one, is fed the bytes too. */
  addBytes(base: number, dst: number, a: number, bytes: Uint8Array, state?: Uint8Array): void;
  takeBytes(base: number, dst: number, bytes: Uint8Array, state?: Uint8Array): void;
  scaleInto(base: number, dst: number, src: number, w: number, n: number): void;
  accumulate(base: number, dst: number, src: number, w: number, n: number): void;
  dot(base: number, a: number, b: number, n: number): number;
  /** For each: how many vectors, their length, where they begin; the results one after the other. */
  productsOfEach(base: number, words: Float64Array, into: Float64Array): void;
  allFinite(base: number, pointer: number, n: number): boolean;
  /** What is said in `words` (block-pass.ts), with room of one block for each of `mostThreads`. */
  pass(base: number, words: Float64Array, n: number, scratch: number): void;
  /**
   * From now on so many threads of the process, the caller's included, share what can be shared: products of several,
   * passes, whether numbers are finite. @returns how many there are
   */
  useThreads(count: number): number;
  /** Codecs by number (codec.ts). */
  encode(base: number, codec: number, dst: number, src: number, n: number): void;
  decode(base: number, codec: number, dst: number, src: number, n: number): void;
  roundTo(base: number, codec: number, dst: number, src: number, n: number): void;
  takeLargest(base: number, dst: number, src: number, n: number, kept: number): void;
  addLargest(base: number, dst: number, src: number, n: number, kept: number): void;
  /** In the order of the kernel's parameters in assembly/optimiser.ts, after the base. */
  sgd(base: number, ...args: readonly number[]): void;
  momentum(base: number, ...args: readonly number[]): void;
  adam(base: number, ...args: readonly number[]): void;
  /** Each piece is a Uint8Array, or an address and a length. */
  digest(...pieces: readonly (Uint8Array | number)[]): string;
  openDigest(state: Uint8Array): void;
  feedDigest(state: Uint8Array, bytes: Uint8Array): void;
  endDigest(state: Uint8Array): string;
}

/** What the kernels take over of an arithmetic. */
export type KernelOperations = Pick<
  Arithmetic,
  | "add"
  | "addBytes"
  | "takeBytes"
  | "scaleInto"
  | "accumulate"
  | "dot"
  | "sumSquares"
  | "products"
  | "productsOfEach"
  | "allFinite"
  | "inBlocks"
  | "encode"
  | "decode"
  | "roundTo"
  | "takeLargest"
  | "addLargest"
  | "sgd"
  | "momentum"
  | "adam"
  | "digest"
  | "openDigest"
>;

/** What the addon keeps of a digest between two of its pieces. */
const digestStateBytes = 344;

/** One that knows its own state: another's is fed by itself. */
class NativeDigest implements OpenDigest {
  readonly state = new Uint8Array(digestStateBytes);
  readonly #kernels: NativeKernels;
  constructor(kernels: NativeKernels) {
    this.#kernels = kernels;
    kernels.openDigest(this.state);
  }
  feed(bytes: Uint8Array): void {
    this.#kernels.feedDigest(this.state, bytes);
  }
  end(): string {
    return this.#kernels.endDigest(this.state);
  }
}

/** As many as ever share a pass, which waits for memory: more would not make it faster. Each has room of one block. */
export const mostThreads = 8;

/** @param module its memory never moves as it grows */
export function kernelOperations(
  kernels: NativeKernels,
  module: {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly pow: Arithmetic["pow"];
    allocate(bytes: number): number;
  },
): KernelOperations {
  const { memory } = module;
  const base = kernels.address(new Uint8Array(memory.buffer));
  let scratch: number | undefined;
  let limit = memory.buffer.byteLength;

  /** WebAssembly would trap there; a kernel would write into somebody else's memory. */
  const within = (n: number, ...pointers: readonly number[]): void => {
    for (const pointer of pointers) {
      if (pointer >= 0 && n >= 0 && pointer + 4 * n <= limit) continue;
      limit = memory.buffer.byteLength;
      if (!(pointer >= 0 && n >= 0 && pointer + 4 * n <= limit))
        throw new RangeError(`${n} numbers at ${pointer} are outside a memory of ${limit} bytes`);
    }
  };
  const dot = (a: number, b: number, n: number): number => {
    within(n, a, b);
    return kernels.dot(base, a, b, n);
  };
  const productsOfEach: Arithmetic["productsOfEach"] = (all) => {
    const words = all.flatMap(({ vectors, n }) => {
      within(n, ...vectors);
      return [vectors.length, n, ...vectors];
    });
    const sizes = all.map(({ vectors }) => vectors.length * vectors.length);
    const into = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
    kernels.productsOfEach(base, Float64Array.from(words), into);
    let at = 0;
    return sizes.map((size) => into.subarray(at, (at += size)));
  };
  const checked = (b: BlockUpdate, ...more: readonly number[]): void =>
    within(b.n, b.params, b.next, b.gradient, ...more);

  return {
    add(dst, a, b, n) {
      within(n, dst, a, b);
      kernels.add(base, dst, a, b, n);
    },
    addBytes(dst, a, bytes, digest) {
      within(bytes.byteLength / 4, dst, a);
      const state = digest instanceof NativeDigest ? digest.state : undefined;
      kernels.addBytes(base, dst, a, bytes, state);
      if (!state) digest?.feed(bytes);
    },
    takeBytes(dst, bytes, digest) {
      within(bytes.byteLength / 4, dst);
      const state = digest instanceof NativeDigest ? digest.state : undefined;
      kernels.takeBytes(base, dst, bytes, state);
      if (!state) digest?.feed(bytes);
    },
    scaleInto(dst, src, w, n) {
      within(n, dst, src);
      kernels.scaleInto(base, dst, src, w, n);
    },
    accumulate(dst, src, w, n) {
      within(n, dst, src);
      kernels.accumulate(base, dst, src, w, n);
    },
    dot,
    sumSquares: (a, n) => dot(a, a, n),
    products: (vectors, n) => productsOfEach([{ vectors, n }])[0] as Float64Array,
    productsOfEach,
    allFinite(pointer, n) {
      within(n, pointer);
      return kernels.allFinite(base, pointer, n);
    },
    inBlocks(n, say) {
      scratch ??= module.allocate(mostThreads * passBytes);
      const words = recordPass(n, scratch, module.pow, say, within);
      kernels.pass(base, Float64Array.from(words), n, scratch);
    },
    encode(codec, dst, src, n) {
      within(n, src);
      within(encodedBytes(codec, n) / 4, dst);
      kernels.encode(base, codecNumber(codec), dst, src, n);
    },
    decode(codec, dst, src, n) {
      within(n, dst);
      within(encodedBytes(codec, n) / 4, src);
      kernels.decode(base, codecNumber(codec), dst, src, n);
    },
    roundTo(codec, dst, src, n) {
      within(n, dst, src);
      kernels.roundTo(base, codecNumber(codec), dst, src, n);
    },
    takeLargest(dst, src, n, kept) {
      within(n, src);
      within(largestBytes(n, kept) / 4, dst);
      kernels.takeLargest(base, dst, src, n, kept);
    },
    addLargest(dst, src, n, kept) {
      within(n, dst);
      within(largestBytes(n, kept) / 4, src);
      kernels.addLargest(base, dst, src, n, kept);
    },
    sgd(b, rate) {
      checked(b);
      kernels.sgd(base, ...sgdArguments(b, rate));
    },
    momentum(b, rule) {
      checked(b, b.velocity, b.nextVelocity);
      kernels.momentum(base, ...momentumArguments(b, rule));
    },
    adam(b, rule) {
      checked(b, b.m, b.v, b.nextM, b.nextV);
      kernels.adam(base, ...adamArguments(b, rule));
    },
    digest(...pieces) {
      const args: (Uint8Array | number)[] = [];
      for (const piece of pieces) {
        if (piece instanceof Uint8Array) args.push(piece);
        else {
          within(piece.bytes / 4, piece.pointer);
          args.push(base + piece.pointer, piece.bytes);
        }
      }
      return kernels.digest(...args);
    },
    openDigest: () => new NativeDigest(kernels),
  };
}
