import { type AdamState, adamStart, adamStep } from "../solvers/adam.ts";
import { lossWeighting } from "./loss-weighting.ts";

export interface UwOptions {
  readonly learningRate: number;
  readonly [name: string]: number;
}

export type UwState = { readonly s: readonly number[]; readonly adam: AdamState };

/**
 * Uncertainty weighting (Kendall, Gal, Cipolla: "Multi-Task Learning Using Uncertainty to Weigh Losses", CVPR 2018), as
 * LibMTL has it: minimises Σ L_i/(2e^{s_i}) + s_i/2 over the weights and s alike, s = −0.5 at first. So w_i =
 * 1/(2e^{s_i}), and s_i goes down ½ − L_i/(2e^{s_i}) by Adam, at a rate of its own, on the losses of the same step.
 */
export const uw = lossWeighting<UwState, UwOptions>(
  "uw",
  (taskCount) => ({ s: new Array<number>(taskCount).fill(-0.5), adam: adamStart(taskCount) }),
  ({ losses, options, state, arithmetic }) => {
    const weights = Float64Array.from(state.s, (s) => 0.5 * arithmetic.exp(-s));
    const gradient = Array.from(weights, (weight, t) => 0.5 - weight * (losses[t] ?? 0));
    const next = adamStep(arithmetic, state.adam, {
      x: state.s,
      gradient,
      learningRate: options.learningRate,
    });
    return { weights, state: { s: next.x, adam: next.state } };
  },
);
