import { randomKey } from "@latentweave/arithmetic";

/** Uniform in [0, 1), the same for the same key. */
export type KeyedRandom = (...key: readonly (string | number)[]) => number;

/** What is left of it where the key is known but for what a number is for. */
export type Draw = (what: string) => number;

/** Draws that depend on the seed and on what they are for, not on what was drawn before. */
export function keyedRandom(seed: number): KeyedRandom {
  return (...key) => randomKey(seed, ...key).low / 2 ** 32;
}
