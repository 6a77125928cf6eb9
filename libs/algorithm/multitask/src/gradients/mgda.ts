import { failed } from "../even.ts";
import { at, norms, scaledBoth } from "../solvers/matrix.ts";
import { minNorm } from "../solvers/min-norm.ts";
import { gradientCombiner, unsolved } from "./gradient-combiner.ts";

export interface MgdaOptions {
  readonly normalise: "none" | "norm" | "loss" | "both";
  readonly [name: string]: string;
}

/**
 * MGDA (Désidéri 2012; Sener, Koltun: "Multi-Task Learning as Multi-Objective Optimization", NeurIPS 2018): the point of
 * least norm in the convex hull of the gradients, min over the simplex of wᵀGw. It is a descent direction for every
 * task, and zero exactly at Pareto stationary points.
 *
 * `normalise` divides each g_i by n_i = ‖g_i‖, L_i or both first. The authors' code does so to find w alone and then
 * applies w to the gradients as they are, which need not descend for every task; here, as in LibMTL, the hull of the
 * normalised gradients is what is combined: w_i = α_i/n_i.
 */
export const mgda = gradientCombiner<MgdaOptions>("mgda", ({ count, gram, losses, options }) => {
  const { normalise } = options;
  const size = norms(gram, count);
  if (normalise === "loss" || normalise === "both") {
    const low = losses.find((loss) => !(loss > 0));
    if (low !== undefined) return failed(`a loss of ${low} cannot divide a gradient`);
  }
  const by = size.map((norm, t) => {
    const loss = at(losses, t);
    if (normalise === "none") return 1;
    return 1 / (normalise === "norm" ? norm : normalise === "loss" ? loss : loss * norm);
  });
  const solution = minNorm(scaledBoth(gram, by), count);
  const why = unsolved(solution, 1e-6);
  return why === undefined ? solution.x.map((alpha, t) => alpha * at(by, t)) : failed(why);
});
