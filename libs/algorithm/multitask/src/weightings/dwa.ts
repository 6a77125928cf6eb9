import { softmax } from "../solvers/softmax.ts";
import { lossWeighting, withoutLogarithm } from "./loss-weighting.ts";

export interface DwaOptions {
  readonly temperature: number;
  readonly everySteps: number;
  readonly [name: string]: number;
}

export type DwaState = {
  /** Of the period that goes on. */
  readonly sums: readonly number[];
  readonly steps: number;
  /** Mean losses of the last two whole periods, the older one first; fewer at the beginning. */
  readonly means: readonly (readonly number[])[];
};

/**
 * Dynamic weight average (Liu, Johns, Davison: "End-to-End Multi-Task Learning with Attention", CVPR 2019): w =
 * T·softmax(r/τ), r_i = L_i(e−1)/L_i(e−2), the losses being means over an epoch: whoever falls slowly weighs more. Tasks
 * here have epochs of different lengths, so the job says the period: `everySteps`. All weights are 1 until two are over.
 */
export const dwa = lossWeighting<DwaState, DwaOptions>(
  "dwa",
  (taskCount) => ({ sums: new Array<number>(taskCount).fill(0), steps: 0, means: [] }),
  ({ losses, taskCount, options, state, arithmetic }) => {
    const [older, newer] = state.means;
    const ratios = newer?.map((mean, t) => mean / (older?.[t] ?? mean));
    const weights =
      ratios === undefined
        ? new Float64Array(taskCount).fill(1)
        : (withoutLogarithm(Float64Array.from(state.means.flat())) ??
          softmax(
            arithmetic,
            ratios.map((ratio) => ratio / options.temperature),
          ).map((z) => taskCount * z));
    return { weights, state: counted(state, losses, options.everySteps) };
  },
);

function counted(state: DwaState, losses: Float64Array, everySteps: number): DwaState {
  const sums = state.sums.map((sum, t) => sum + (losses[t] ?? 0));
  const steps = state.steps + 1;
  if (steps < everySteps) return { ...state, sums, steps };
  const mean = sums.map((sum) => sum / steps);
  return { sums: sums.map(() => 0), steps: 0, means: [...state.means.slice(-1), mean] };
}
