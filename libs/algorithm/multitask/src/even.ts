import type { Combination } from "./combiner.ts";

/** A method's answer, or why there is none. */
export type Answer = Float64Array | { readonly failed: string };

export function failed(why: string): Answer {
  return { failed: why };
}

/**
 * The answer where there is one and it is finite; else equal weights and a warning that names step and cause: bad input
 * costs a step of the method, never the run. `even` is what each task then weighs: 1 (`sum`) or 1/T (`mean`), whichever
 * has the method's own scale.
 */
export function orEven<State>(
  answer: Answer,
  other: { readonly name: string; readonly step: number; readonly taskCount: number; readonly even: number },
  state: State,
): Combination<State> {
  const { name, step, taskCount, even } = other;
  const why =
    answer instanceof Float64Array
      ? answer.every(Number.isFinite)
        ? undefined
        : `it gave the weights ${answer.join(", ")}`
      : answer.failed;
  if (why === undefined) return { weights: answer as Float64Array, state };
  const instead = even === 1 ? "sum" : "mean";
  return {
    weights: new Float64Array(taskCount).fill(even),
    state,
    warning: `step ${step}: ${name}: ${why}; the ${instead} of the gradients was taken in its place`,
  };
}
