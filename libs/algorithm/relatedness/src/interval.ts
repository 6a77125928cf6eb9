import { type Inexact, tQuantile } from "./student-t.ts";

/** A mean over repetitions, with what chance may have done to it. */
export interface Estimate {
  readonly mean: number;
  /** Repetitions, such as seeds. */
  readonly n: number;
  /** Of the mean; null where one repetition says nothing about it. */
  readonly standardError: number | null;
  /** Student's t interval around the mean, with the asked confidence; null likewise. */
  readonly interval: readonly [low: number, high: number] | null;
}

export const confidence = 0.95;

/** Mean and t interval of independent values. @throws RangeError for none */
export function estimateMean(values: readonly number[], arithmetic: Inexact): Estimate {
  const n = values.length;
  if (n === 0) throw new RangeError("the mean of nothing");
  const mean = meanOf(values);
  if (n === 1) return { mean, n, standardError: null, interval: null };
  return around(mean, n, Math.sqrt(varianceOf(values) / n), n - 1, arithmetic);
}

/**
 * The mean of `centre`, whose chance comes from two independent samples (Welch 1947).
 * @param influences what each repetition of either sample contributes; only their spread is used
 */
export function estimateFromTwo(
  centre: number,
  influences: readonly [readonly number[], readonly number[]],
  arithmetic: Inexact,
): Estimate {
  const n = Math.min(influences[0].length, influences[1].length);
  const parts = influences.map((values) => ({
    share: values.length > 1 ? varianceOf(values) / values.length : 0,
    degrees: values.length - 1,
  }));
  if (n < 2) return { mean: centre, n, standardError: null, interval: null };
  const variance = parts.reduce((sum, { share }) => sum + share, 0);
  const spread = parts.reduce((sum, { share, degrees }) => sum + (share * share) / degrees, 0);
  const degrees = spread > 0 ? (variance * variance) / spread : n - 1;
  return around(centre, n, Math.sqrt(variance), degrees, arithmetic);
}

function around(
  mean: number,
  n: number,
  standardError: number,
  degrees: number,
  arithmetic: Inexact,
): Estimate {
  const half = standardError * tQuantile((1 + confidence) / 2, degrees, arithmetic);
  return { mean, n, standardError, interval: [mean - half, mean + half] };
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Unbiased, divided by n − 1. */
export function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / (values.length - 1);
}
