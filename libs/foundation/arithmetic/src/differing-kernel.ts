import type { Arithmetic, BlockUpdate } from "./arithmetic.ts";
import { type Codec, codecs } from "./codec.ts";

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

const adamRule = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.01, rootScale: 1.3, decay: 0.001 };

/** Where the vectors begin, for trials that need many. */
type Places = readonly [number, number, number, number, number, number, number];

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
      adamRule,
    ),
  "a pass": (own, at, n) =>
    own.inBlocks(n, (kernels, scratch) => {
      const [first, next, second, third, fourth, fifth, sixth] = at as Places;
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
      kernels.adam({ ...update, m: third, v: fourth, nextM: fifth, nextV: sixth }, adamRule);
    }),
  "a pass of one vector": (own, at, n) =>
    own.inBlocks(n, (kernels, scratch) => {
      const [params, next, gradient, m, v, nextM, nextV] = at as Places;
      kernels.scaleInto(scratch, gradient, 0.7, n);
      kernels.adam({ ...blockAt(at, n), params, next, gradient: scratch, m, v, nextM, nextV }, adamRule);
    }),
  digest(own, at, n) {
    const piece = { pointer: at[3] as number, bytes: n * 4 };
    const odd = own.u8(at[5] as number, n).slice();
    return [own.digest(piece), own.digest(odd), own.digest(odd, piece, odd)];
  },
};
