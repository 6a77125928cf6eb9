import type { Combiner } from "../combiner.ts";
import { failed, orEven } from "../even.ts";
import { type AdamState, adamStart, adamStep } from "../solvers/adam.ts";
import { softmax, softmaxGradient } from "../solvers/softmax.ts";

export interface FamoOptions {
  readonly learningRate: number;
  readonly decay: number;
  /** A lower bound of every loss. */
  readonly leastLoss: number;
  readonly [name: string]: number;
}

export type FamoState = {
  readonly xi: readonly number[];
  readonly adam: AdamState;
  /** log D of the step before; null before the first. */
  readonly before: readonly number[] | null;
};

/**
 * FAMO (Liu et al.: "Fast Adaptive Multitask Optimization", NeurIPS 2023): lets all losses fall at one relative rate
 * without a gradient of its own for each task. With z = softmax(ξ) and D_i = L_i − least + 1e-8, w_i = z_i/(D_i·Σ z/D);
 * then ξ goes down z∘(δ − z·δ), δ = log D_before − log D_after, by Adam (rate 0.025, L2 penalty 1e-3).
 *
 * The authors measure D_after on the same samples once more; here it is the next step's own loss (on a full batch the
 * same number), so that no forward pass is added. What a micro-batch more or less moves a loss by is noise to δ.
 */
export const famo: Combiner<FamoState, FamoOptions> = {
  name: "famo",
  needsGram: false,
  init: (taskCount) => ({
    xi: new Array<number>(taskCount).fill(0),
    adam: adamStart(taskCount),
    before: null,
  }),
  solve({ losses, taskCount, options, state, step, arithmetic }) {
    const other = { name: "famo", step, taskCount, even: 1 / taskCount };
    const distances = losses.map((loss) => loss - options.leastLoss + 1e-8);
    const low = distances.findIndex((distance) => !(distance > 0));
    if (low >= 0)
      return orEven(
        failed(`the loss of task ${low + 1} is below leastLoss ${options.leastLoss}`),
        other,
        state,
      );
    const logs = Array.from(distances, (distance) => arithmetic.log(distance));
    const moved = state.before === null ? state : learned(state, state.before, logs, options, arithmetic);
    const z = softmax(arithmetic, moved.xi);
    const parts = z.map((share, t) => share / (distances[t] ?? 1));
    const total = parts.reduce((sum, part) => sum + part, 0);
    return orEven(
      parts.map((part) => part / total),
      other,
      { xi: moved.xi, adam: moved.adam, before: logs },
    );
  },
};

function learned(
  { xi, adam }: FamoState,
  before: readonly number[],
  after: readonly number[],
  { learningRate, decay }: FamoOptions,
  arithmetic: Parameters<typeof adamStep>[0] & Parameters<typeof softmax>[0],
): Pick<FamoState, "xi" | "adam"> {
  const delta = before.map((log, t) => log - (after[t] ?? log));
  const gradient = softmaxGradient(softmax(arithmetic, xi), delta);
  const next = adamStep(arithmetic, adam, { x: xi, gradient, learningRate, decay });
  return { xi: next.x, adam: next.state };
}
