import { softmax } from "../solvers/softmax.ts";
import { lossWeighting, withoutLogarithm } from "./loss-weighting.ts";

export interface StchOptions {
  readonly mu: number;
  readonly warmupSteps: number;
  readonly nadirSteps: number;
  readonly [name: string]: number;
}

export type StchState = {
  readonly steps: number;
  /** Of the losses of the steps that give the nadir. */
  readonly sums: readonly number[];
};

/**
 * Smooth Tchebycheff scalarisation (Lin et al., ICML 2024), as LibMTL has it: minimises T·μ·log Σ exp(log(L_i/nadir_i)/μ),
 * so w_i = T·softmax(log(L/nadir)/μ)_i/L_i. The nadir is each loss's mean over the `nadirSteps` behind `warmupSteps`
 * steps; until it is known Σ log L_i is minimised (w_i = 1/L_i).
 */
export const stch = lossWeighting<StchState, StchOptions>(
  "stch",
  (taskCount) => ({ steps: 0, sums: new Array<number>(taskCount).fill(0) }),
  ({ losses, taskCount, options, state, arithmetic }) => {
    const { mu, warmupSteps, nadirSteps } = options;
    const none = withoutLogarithm(losses);
    if (none !== undefined) return { weights: none, state };
    if (state.steps < warmupSteps + nadirSteps) {
      const counts = state.steps >= warmupSteps;
      return {
        weights: losses.map((loss) => 1 / loss),
        state: {
          steps: state.steps + 1,
          sums: state.sums.map((sum, t) => (counts ? sum + (losses[t] ?? 0) : sum)),
        },
      };
    }
    const relative = state.sums.map((sum, t) => arithmetic.log(((losses[t] ?? 0) * nadirSteps) / sum) / mu);
    const shares = softmax(arithmetic, relative);
    return { weights: shares.map((share, t) => (taskCount * share) / (losses[t] ?? 1)), state };
  },
);
