import { randomKey } from "@latentweave/arithmetic";

/** Uniform in [0, 1), the same for the same key. */
export type KeyedRandom = (...key: readonly (string | number)[]) => number;

/** Draws that depend on the seed and on what they are for, not on what was drawn before. */
export function keyedRandom(seed: number): KeyedRandom {
  return (...key) => randomKey(seed, ...key).low / 2 ** 32;
}
