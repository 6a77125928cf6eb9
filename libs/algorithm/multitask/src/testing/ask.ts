import { type Key, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { type CombinerName, combinerParts } from "@latentweave/job";
import type { Combination, CombinerConfig, CombinerState } from "../combiner.ts";
import { combinerNamed } from "../registry.ts";

export const arithmetic = loadArithmetic();

export interface Question {
  /** Gradients, one per task; in place of them a Gram matrix. */
  readonly rows: readonly (readonly number[])[];
  readonly losses?: readonly number[];
  readonly options?: CombinerConfig;
  readonly step?: number;
  readonly state?: CombinerState;
  readonly key?: Key;
}

/** One step of a combiner, with the job's defaults for what `options` leaves out. */
export function ask(name: CombinerName, question: Question): Combination<CombinerState> {
  const { rows, step = 0, losses = rows.map(() => 1) } = question;
  const combiner = combinerNamed(name);
  const options = { ...combinerParts(name).options, ...question.options };
  return combiner.solve({
    taskCount: rows.length,
    gram: gramOf(rows),
    losses: Float64Array.from(losses),
    step,
    options,
    state: question.state ?? combiner.init(rows.length, options),
    key: question.key ?? randomKey(0, "combiner", step),
    arithmetic,
  });
}

export function gramOf(rows: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(rows.flatMap((a) => rows.map((b) => dot(a, b))));
}

/** Σ_t weights[t]·rows[t]. */
export function combined(rows: readonly (readonly number[])[], weights: ArrayLike<number>): number[] {
  return (rows[0] ?? []).map((_, i) =>
    rows.reduce((sum, row, t) => sum + (weights[t] ?? 0) * (row[i] ?? 0), 0),
  );
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
}

export function unit(a: readonly number[]): number[] {
  const norm = Math.sqrt(dot(a, a));
  return a.map((x) => x / norm);
}
