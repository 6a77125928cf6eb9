/** Changes of numbers where they are: float64 by + and ×, rounded to float32 once. */
import type { CategoryBlock } from "@latentweave/model";
import { type Change, spread } from "./change.ts";

/** Least and greatest number that a sample may hold; null: anything. */
export type Range = readonly [number, number] | null;

export function brightness(index: number, amount: number, black: number, range: Range): Change {
  return (samples, random) => {
    const drawn = random(index).uniform(samples, 0);
    return (sample, at) => stretch(sample, black, spread(drawn[at] as number, 1 - amount, 1 + amount), range);
  };
}

export function contrast(index: number, amount: number, range: Range): Change {
  return (samples, random) => {
    const drawn = random(index).uniform(samples, 0);
    return (sample, at) =>
      stretch(sample, meanOf(sample), spread(drawn[at] as number, 1 - amount, 1 + amount), range);
  };
}

export function jitter(
  index: number,
  deviation: number,
  range: Range,
  categories: readonly CategoryBlock[],
): Change {
  return (samples, random) => {
    let drawn: Float32Array | undefined;
    return (sample, at) => {
      // Drawn here, for only a sample knows how many numbers it has.
      drawn ??= withoutCategories(
        random(index).normal(samples * sample.length, 0),
        sample.length,
        categories,
      );
      const from = at * sample.length;
      for (let i = 0; i < sample.length; i++)
        sample[i] = within((sample[i] as number) + deviation * (drawn[from + i] as number), range);
    };
  };
}

/** Every number's distance from `middle` becomes `factor` times as large. */
export function stretch(sample: Float32Array, middle: number, factor: number, range: Range): void {
  for (let i = 0; i < sample.length; i++)
    sample[i] = within(middle + factor * ((sample[i] as number) - middle), range);
}

function meanOf(sample: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < sample.length; i++) sum += sample[i] as number;
  return sum / sample.length;
}

function within(value: number, range: Range): number {
  if (range === null) return value;
  return value < range[0] ? range[0] : value > range[1] ? range[1] : value;
}

function withoutCategories(
  draws: Float32Array,
  width: number,
  categories: readonly CategoryBlock[],
): Float32Array {
  for (const { start, width: own } of categories)
    for (let row = start; row < draws.length; row += width) draws.fill(0, row, row + own);
  return draws;
}
