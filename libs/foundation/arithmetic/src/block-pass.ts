import type { Arithmetic } from "./arithmetic.ts";
import { adamArguments, momentumArguments, sgdArguments } from "./optimiser-arguments.ts";

/** Operations in which every number comes of numbers at its own place alone, so that blocks may be taken in any order. */
export type ElementKernels = Pick<
  Arithmetic,
  "scaleInto" | "accumulate" | "sgd" | "momentum" | "adam" | "pow"
>;

/** What a pass is made of. */
export interface PassKernels extends ElementKernels {
  /** XXH3 (64 bits, seed 0) of each block's numbers at `pointer`, little-endian: that of block b at `into` + 8·b. */
  digestInto(into: number, pointer: number, n: number): void;
}

/** As many numbers as stay in cache, with those of all vectors that an update reads and writes. */
export const passNumbers = 16_384;
export const passBytes = passNumbers * 4;

/**
 * What is done to each block, as numbers: for each operation its code, its pointers, then what else it takes but for how
 * many numbers it is about, which is the block's affair. kernels/passes.ts in libs/runtime/native reads the same.
 */
export type PassWords = readonly number[];

/** By code: how many pointers, and how many numbers after them. */
const operations = {
  scaleInto: { code: 0, pointers: 2, factors: 1 },
  accumulate: { code: 1, pointers: 2, factors: 1 },
  sgd: { code: 2, pointers: 3, factors: 3 },
  momentum: { code: 3, pointers: 5, factors: 5 },
  adam: { code: 4, pointers: 7, factors: 10 },
  // Where it writes to counts blocks, not numbers, and so is none of the pointers that move with them.
  digestInto: { code: 5, pointers: 1, factors: 1 },
} as const;
type Operation = keyof typeof operations;
const byCode = Object.entries(operations).map(([name, shape]) => ({ name: name as Operation, ...shape }));

/** The operations as a module or an addon has them: pointers, how many numbers, the rest. */
type PlainKernels = Readonly<Record<Operation, (...args: number[]) => void>>;

/**
 * @param scratch of one block; pointers to it mean the block's own room
 * @param within told of every pointer and how many numbers it is used for
 * @throws RangeError for an operation on another number of numbers
 */
export function recordPass(
  n: number,
  scratch: number,
  pow: Arithmetic["pow"],
  say: (kernels: PassKernels, scratch: number) => void,
  within: (n: number, pointer: number) => void = () => undefined,
): PassWords {
  const words: number[] = [];
  const note = (operation: Operation, args: readonly number[]): void => {
    const { code, pointers } = operations[operation];
    if (args[pointers] !== n)
      throw new RangeError(`${operation} of ${args[pointers]} numbers in a pass over ${n}`);
    words.push(code);
    for (const [place, value] of args.entries()) {
      if (place === pointers) continue;
      words.push(value);
      if (place < pointers) within(isScratch(value, scratch) ? Math.min(n, passNumbers) : n, value);
    }
  };
  say(
    {
      scaleInto: (dst, src, w, count) => note("scaleInto", [dst, src, count, w]),
      accumulate: (dst, src, w, count) => note("accumulate", [dst, src, count, w]),
      sgd: (...update) => note("sgd", sgdArguments(...update)),
      momentum: (...update) => note("momentum", momentumArguments(...update)),
      adam: (...update) => note("adam", adamArguments(...update)),
      digestInto(into, pointer, count) {
        within(2 * Math.ceil(n / passNumbers), into);
        note("digestInto", [pointer, count, into]);
      },
      pow,
    },
    scratch,
  );
  return words;
}

/** Carries a pass out, one block after the other. */
export function runPass(kernels: PlainKernels, words: PassWords, n: number, scratch: number): void {
  for (let from = 0; from < n; from += passNumbers) {
    const count = Math.min(passNumbers, n - from);
    for (let at = 0; at < words.length;) {
      const { name, pointers, factors } = byCode[words[at] as number] as (typeof byCode)[number];
      const args = words.slice(at + 1, at + 1 + pointers);
      const moved = args.map((pointer) => (isScratch(pointer, scratch) ? pointer : pointer + from * 4));
      at += 1 + pointers + factors;
      const rest = words.slice(at - factors, at);
      const block = from / passNumbers;
      kernels[name](
        ...moved,
        count,
        ...(name === "digestInto" ? rest.map((into) => into + 8 * block) : rest),
      );
    }
  }
}

function isScratch(pointer: number, scratch: number): boolean {
  return pointer >= scratch && pointer < scratch + passBytes;
}
