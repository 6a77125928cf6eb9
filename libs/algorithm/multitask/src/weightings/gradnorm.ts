import type { Combiner } from "../combiner.ts";
import { orEven } from "../even.ts";
import { type AdamState, adamStart, adamStep } from "../solvers/adam.ts";
import { at, norms } from "../solvers/matrix.ts";
import { softmax, softmaxGradient } from "../solvers/softmax.ts";
import { withoutLogarithm } from "./loss-weighting.ts";

export interface GradnormOptions {
  readonly alpha: number;
  readonly learningRate: number;
  readonly [name: string]: number;
}

export type GradnormState = {
  readonly s: readonly number[];
  readonly adam: AdamState;
  /** Losses of the first step; null before it. */
  readonly first: readonly number[] | null;
};

/**
 * GradNorm (Chen et al., ICML 2018), as LibMTL has it: w = T·softmax(s); s goes down Σ |w_i‖g_i‖ − target_i| by Adam,
 * target_i = mean(w‖g‖)·r_i^α held fixed, r_i = (L_i/L_i0)/mean: who has learned less gets the longer gradient. ‖g_i‖ is
 * over all shared parameters (the paper: those of the last shared layer), L_i0 the loss of the run's first step.
 */
export const gradnorm: Combiner<GradnormState, GradnormOptions> = {
  name: "gradnorm",
  needsGram: true,
  init: (taskCount) => ({
    s: new Array<number>(taskCount).fill(0),
    adam: adamStart(taskCount),
    first: null,
  }),
  solve({
    taskCount,
    gram = new Float64Array(taskCount * taskCount),
    losses,
    options,
    state,
    step,
    arithmetic,
  }) {
    const z = softmax(arithmetic, state.s);
    const weights = z.map((share) => taskCount * share);
    const none = withoutLogarithm(losses);
    const other = { name: "gradnorm", step, taskCount, even: 1 };
    if (none !== undefined) return orEven(none, other, state);
    const first = state.first ?? Array.from(losses);
    const sizes = norms(gram, taskCount);
    const lengths = weights.map((weight, t) => weight * at(sizes, t));
    const ratios = losses.map((loss, t) => loss / at(first, t));
    const meanRatio = mean(ratios);
    const targets = ratios.map((ratio) => mean(lengths) * arithmetic.pow(ratio / meanRatio, options.alpha));
    const slope = lengths.map((length, t) => taskCount * at(sizes, t) * Math.sign(length - at(targets, t)));
    const next = adamStep(arithmetic, state.adam, {
      x: state.s,
      gradient: softmaxGradient(z, slope),
      learningRate: options.learningRate,
    });
    return orEven(weights, other, { s: next.x, adam: next.state, first });
  },
};

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
