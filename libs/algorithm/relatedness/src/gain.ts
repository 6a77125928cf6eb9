import { type Estimate, estimateFromTwo, estimateMean, meanOf } from "./interval.ts";
import type { Inexact } from "./student-t.ts";

/** One figure of one task in several repetitions of two jobs. */
export interface MeasuredPair {
  /** Whether a smaller figure is the better one. */
  readonly lowerIsBetter: boolean;
  /** In the mean over pairs, relative to the others; default 1. */
  readonly weight?: number;
  /** By repetition. */
  readonly own: readonly number[];
  readonly baseline: readonly number[];
}

/**
 * δ = ±(m − b)/b: above 0 where `own` is better than `baseline` (Maninis et al. 2019, with means over tasks as Δm).
 * @returns NaN where the baseline is 0
 */
export function relativeGain(own: number, baseline: number, lowerIsBetter: boolean): number {
  const change = (own - baseline) / baseline;
  return Number.isFinite(change) ? (lowerIsBetter ? -change : change) : Number.NaN;
}

/**
 * The mean of the pairs' gains (of one pair: δ_t; of all tasks' pairs: Δm) with its interval over repetitions.
 * @param paired repetition s of both sides belongs together (the same seed): gains are taken one by one. Otherwise
 *   each side varies for itself, and the interval is Welch's with the gain's derivatives by either mean
 * @throws RangeError where sides have different numbers of repetitions
 */
export function estimateGain(pairs: readonly MeasuredPair[], paired: boolean, arithmetic: Inexact): Estimate {
  const first = pairs[0];
  if (!first) throw new RangeError("gains of nothing");
  const n = { own: first.own.length, baseline: first.baseline.length };
  if (pairs.some(({ own, baseline }) => own.length !== n.own || baseline.length !== n.baseline))
    throw new RangeError("every figure needs every repetition");
  const total = pairs.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const over = (value: (pair: MeasuredPair, index: number) => number): number =>
    pairs.reduce((sum, pair, index) => sum + (pair.weight ?? 1) * value(pair, index), 0) / total;
  if (paired) {
    if (n.own !== n.baseline) throw new RangeError("pairs need as many repetitions on either side");
    const gains = first.own.map((_, at) =>
      over(({ own, baseline, lowerIsBetter }) =>
        relativeGain(own[at] as number, baseline[at] as number, lowerIsBetter),
      ),
    );
    return estimateMean(gains, arithmetic);
  }
  const means = pairs.map(({ own, baseline, lowerIsBetter }) => ({
    own: meanOf(own),
    baseline: meanOf(baseline),
    sign: lowerIsBetter ? -1 : 1,
  }));
  const centre = over((_, index) => {
    const { own, baseline, sign } = means[index] as (typeof means)[number];
    return relativeGain(own, baseline, sign < 0);
  });
  const influence = (side: "own" | "baseline"): number[] =>
    first[side].map((_, at) =>
      over((pair, index) => {
        const { own, baseline, sign } = means[index] as (typeof means)[number];
        const value = pair[side][at] as number;
        return side === "own" ? (sign * value) / baseline : (-sign * value * own) / (baseline * baseline);
      }),
    );
  return estimateFromTwo(centre, [influence("own"), influence("baseline")], arithmetic);
}

/** Of the tasks whose gain is known to be other than chance: the share that is harmed; null where chance is not known. */
export function negativeTransferRate(gains: readonly Estimate[]): number | null {
  if (gains.length === 0 || gains.some(({ interval }) => interval === null)) return null;
  return gains.filter(({ interval }) => interval !== null && interval[1] < 0).length / gains.length;
}
