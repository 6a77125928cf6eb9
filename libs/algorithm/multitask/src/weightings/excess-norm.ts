import type { Combiner } from "../combiner.ts";
import { orEven } from "../even.ts";
import { at } from "../solvers/matrix.ts";
import { softmax } from "../solvers/softmax.ts";

export interface ExcessNormOptions {
  readonly learningRate: number;
  readonly [name: string]: number;
}

export type ExcessNormState = {
  /** Logarithms of the weights, the largest 0: their exponentials may overflow. */
  readonly logs: readonly number[];
  /** Σ over steps of ‖g_i‖². */
  readonly squares: readonly number[];
  /** Excess of the first step; null before it. */
  readonly first: readonly number[] | null;
};

/**
 * After ExcessMTL (He et al.: "Robust Multi-Task Learning with Excess Risks", ICML 2024): tasks weigh by how far they are
 * from their own optimum, w ∝ w·exp(η·e_i/e_i0). There e_i = g_i·(g_i/h_i) with a vector h_i = √(Σ g_i² + ε) over all
 * steps, one number per parameter and task. This has one per task: e_i = ‖g_i‖²/√(Σ‖g_i‖² + ε), as AdaGrad-Norm is to
 * AdaGrad; hence its own name. The weights sum to T.
 */
export const excessNorm: Combiner<ExcessNormState, ExcessNormOptions> = {
  name: "excess-norm",
  needsGram: true,
  init: (taskCount) => ({
    logs: new Array<number>(taskCount).fill(0),
    squares: new Array<number>(taskCount).fill(0),
    first: null,
  }),
  solve({ taskCount, gram = new Float64Array(taskCount * taskCount), options, state, step, arithmetic }) {
    const own = Float64Array.from({ length: taskCount }, (_, t) => at(gram, t * taskCount + t));
    const squares = state.squares.map((sum, t) => sum + at(own, t));
    const excess = squares.map((sum, t) => at(own, t) / Math.sqrt(sum + 1e-7));
    const first = state.first ?? excess;
    const grown = state.logs.map((log, t) => {
      const start = at(first, t);
      return start > 0 ? log + (options.learningRate * at(excess, t)) / start : log;
    });
    const largest = grown.reduce((most, log) => Math.max(most, log));
    const weights = softmax(arithmetic, grown).map((share) => taskCount * share);
    const other = { name: "excess-norm", step, taskCount, even: 1 };
    return orEven(weights, other, { logs: grown.map((log) => log - largest), squares, first });
  },
};
