import type { Arithmetic, BlockUpdate, OpenDigest } from "./arithmetic.ts";
import { passBytes, recordPass } from "./block-pass.ts";
import { type Codec, codecNumber, codecs, encodedBytes } from "./codec.ts";
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
  products(base: number, vectors: Float64Array, n: number, into: Float64Array): void;
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
const digestStateBytes = 80;

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

/** As many as ever share a pass: each has room of one block. */
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
    products(vectors, n) {
      within(n, ...vectors);
      const products = new Float64Array(vectors.length * vectors.length);
      kernels.products(base, Float64Array.from(vectors), n, products);
      return products;
    },
    productsOfEach(all) {
      const words = all.flatMap(({ vectors, n }) => {
        within(n, ...vectors);
        return [vectors.length, n, ...vectors];
      });
      const sizes = all.map(({ vectors }) => vectors.length * vectors.length);
      const into = new Float64Array(sizes.reduce((sum, size) => sum + size, 0));
      kernels.productsOfEach(base, Float64Array.from(words), into);
      let at = 0;
      return sizes.map((size) => into.subarray(at, (at += size)));
    },
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

/** Lengths with every remainder of a vector's width, and one that goes through the widest loops many times. */
const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 517];
const vectors = 8;
const mostNumbers = 520;
const trialBytes = vectors * mostNumbers * 4;

/**
 * Compares two arithmetics bit by bit, on ordinary numbers and on those at the edges: zeros of both signs, denormals,
 * what comes out denormal, the largest, the infinite.
 *
 * @returns the first operation that differs, or undefined
 */
export function differingKernel(one: Arithmetic, other: Arithmetic): string | undefined {
  const numbers = trialNumbers(one);
  const [left, right] = [one, other].map((arithmetic) => ({
    arithmetic,
    at: arithmetic.allocate(trialBytes),
  })) as [Side, Side];
  try {
    for (const [name, run] of Object.entries(trials))
      for (const n of lengths)
        if (!isSame(outcomeOf(left, numbers, run, n), outcomeOf(right, numbers, run, n)))
          return `${name} of ${n} numbers`;
    return undefined;
  } finally {
    for (const { arithmetic, at } of [left, right]) arithmetic.free(at, trialBytes);
  }
}

interface Side {
  readonly arithmetic: Arithmetic;
  readonly at: number;
}

interface Outcome {
  readonly said: string;
  /** All of the trial's memory. */
  readonly words: Uint32Array;
}

function outcomeOf({ arithmetic, at }: Side, numbers: Uint8Array, run: Trial, n: number): Outcome {
  arithmetic.u8(at, trialBytes).set(numbers);
  const said = run(
    arithmetic,
    Array.from({ length: vectors }, (_, vector) => at + vector * mostNumbers * 4),
    n,
  );
  return { said: JSON.stringify(said), words: new Uint32Array(arithmetic.u8(at, trialBytes).slice().buffer) };
}

function isSame(one: Outcome, other: Outcome): boolean {
  if (one.said !== other.said) return false;
  // Compared as integers: as numbers, zeros of both signs would be equal.
  for (let i = 0; i < one.words.length; i++) if (one.words[i] !== other.words[i]) return false;
  return true;
}

// No NaN among them: which of two NaN an addition passes on is the processor's affair, and none reaches a weight.
const edges = [0, -0, 1e-45, -1e-39, 1.1754942e-38, 1.17549435e-38, -1.5e-38, 3.4e38, -1e-20, 1, -1, 5e-20];

/** Other numbers in each vector; those of vector 4, the second moments, are not negative. */
function trialNumbers(arithmetic: Arithmetic): Uint8Array {
  const at = arithmetic.allocate(trialBytes);
  arithmetic.fillNormal(at, vectors * mostNumbers, { low: 7, high: 0 }, 0, 0, 0.1);
  const numbers = arithmetic.f32(at, vectors * mostNumbers).slice();
  arithmetic.free(at, trialBytes);
  for (let i = 0; i < numbers.length; i++) {
    const vector = Math.floor(i / mostNumbers);
    if (i % (5 + vector) === 0) numbers[i] = edges[(i * 7) % edges.length] as number;
    if (vector === 4) numbers[i] = Math.abs(numbers[i] as number);
  }
  return new Uint8Array(numbers.buffer);
}

type Trial = (arithmetic: Arithmetic, at: readonly number[], n: number) => unknown;

const blockAt = (at: readonly number[], n: number): BlockUpdate => ({
  ...{ params: at[0] as number, next: at[1] as number, gradient: at[2] as number, n },
  ...{ gradientScale: 0.7, l2: 0.01 },
});

/** Of vectors 0 and 3: whole, with halves that have no float32 of their own, and, last, with what is not finite. */
const codecTrial =
  (codec: Codec): Trial =>
  (own, at, n) => {
    const [first, second, third, fourth, fifth] = at as [number, number, number, number, number];
    own.encode(codec, second, first, n);
    own.decode(codec, third, second, n);
    own.decode(codec, fourth, fifth, n);
    own.roundTo(codec, fourth, first, n);
    own.scaleInto(first, first, 3e4, n);
    own.roundTo(codec, first, first, n);
    if (n > 2) own.f32(fifth, n)[n - 2] = Number.NEGATIVE_INFINITY;
    own.encode(codec, at[6] as number, fifth, n);
  };

/** Of 3 numbers in 16,384 up to all, tied ones among them, and, last, of what is not finite. */
const largestTrial =
  (kept: number): Trial =>
  (own, at, n) => {
    const [first, second, third, fourth] = at as [number, number, number, number];
    own.takeLargest(first, fourth, n, kept);
    own.addLargest(second, first, n, kept);
    own.addLargest(third, fourth, n, kept);
    if (n > 2) own.f32(fourth, n)[n - 2] = Number.NEGATIVE_INFINITY;
    own.takeLargest(at[6] as number, fourth, n, kept);
  };

const trials: Readonly<Record<string, Trial>> = {
  add: (own, at, n) => own.add(at[0] as number, at[1] as number, at[2] as number, n),
  "add in place": (own, at, n) => own.add(at[0] as number, at[0] as number, at[2] as number, n),
  addBytes: (own, at, n) =>
    own.addBytes(at[0] as number, at[1] as number, own.u8(at[2] as number, 4 * n).slice()),
  "bytes with their digest"(own, at, n) {
    const digest = own.openDigest();
    const [first, second] = [at[2], at[5]].map((from) => own.u8(from as number, 4 * n).slice());
    own.takeBytes(at[0] as number, first as Uint8Array, digest);
    digest.feed(Uint8Array.of(1, 2, 3));
    own.addBytes(at[0] as number, at[0] as number, second as Uint8Array, digest);
    own.takeBytes(at[1] as number, second as Uint8Array);
    return digest.end();
  },
  scaleInto: (own, at, n) => own.scaleInto(at[0] as number, at[1] as number, 0.3, n),
  accumulate: (own, at, n) => own.accumulate(at[0] as number, at[1] as number, -1.7, n),
  dot: (own, at, n) => own.dot(at[3] as number, at[5] as number, n),
  sumSquares: (own, at, n) => own.sumSquares(at[3] as number, n),
  products: (own, at, n) => [...own.products(at, n)],
  "products of several": (own, at, n) =>
    own
      .productsOfEach([
        { vectors: at, n },
        { vectors: at.slice(2, 5), n },
      ])
      .map((products) => [...products]),
  allFinite(own, at, n) {
    const before = own.allFinite(at[3] as number, n);
    if (n > 0) own.f32(at[3] as number, n)[n - 1] = Number.NEGATIVE_INFINITY;
    return [before, own.allFinite(at[3] as number, n)];
  },
  ...Object.fromEntries(codecs.map((codec) => [codec, codecTrial(codec)])),
  ...Object.fromEntries([3, 900, 16384].map((kept) => [`largest ${kept}`, largestTrial(kept)])),
  sgd: (own, at, n) => own.sgd(blockAt(at, n), 0.1),
  momentum: (own, at, n) =>
    own.momentum(
      { ...blockAt(at, n), velocity: at[3] as number, nextVelocity: at[5] as number },
      { learningRate: 0.1, momentum: 0.9, nesterov: false },
    ),
  "Nesterov's momentum, in place": (own, at, n) =>
    own.momentum(
      { ...blockAt(at, n), next: at[0] as number, velocity: at[3] as number, nextVelocity: at[3] as number },
      { learningRate: 0.1, momentum: 0.9, nesterov: true },
    ),
  adam: (own, at, n) =>
    own.adam(
      {
        ...blockAt(at, n),
        ...{ m: at[3] as number, v: at[4] as number, nextM: at[5] as number, nextV: at[6] as number },
      },
      { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.01, rootScale: 1.3, decay: 0.001 },
    ),
  "a pass": (own, at, n) =>
    own.inBlocks(n, (kernels, scratch) => {
      const [first, next, second, third, fourth, fifth, sixth] = at as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      kernels.digestInto(at[7] as number, third, n);
      kernels.scaleInto(scratch, second, 0.7, n);
      kernels.accumulate(scratch, first, -0.3, n);
      kernels.accumulate(first, scratch, 2, n);
      const update = { ...blockAt(at, n), gradient: scratch };
      kernels.sgd(update, 0.1);
      kernels.momentum(
        { ...update, params: next, velocity: third, nextVelocity: fifth },
        { learningRate: 0.1, momentum: 0.9, nesterov: true },
      );
      kernels.adam(
        { ...update, m: third, v: fourth, nextM: fifth, nextV: sixth },
        { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.01, rootScale: 1.3, decay: 0.001 },
      );
    }),
  "a pass of one vector": (own, at, n) =>
    own.inBlocks(n, (kernels, scratch) => {
      const [params, next, gradient, m, v, nextM, nextV] = at as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      kernels.scaleInto(scratch, gradient, 0.7, n);
      kernels.adam(
        { ...blockAt(at, n), params, next, gradient: scratch, m, v, nextM, nextV },
        { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.01, rootScale: 1.3, decay: 0.001 },
      );
    }),
  digest(own, at, n) {
    const piece = { pointer: at[3] as number, bytes: n * 4 };
    const odd = own.u8(at[5] as number, n).slice();
    return [own.digest(piece), own.digest(odd), own.digest(odd, piece, odd)];
  },
};
