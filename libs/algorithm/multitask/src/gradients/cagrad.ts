import { failed } from "../even.ts";
import { at, product, quadratic } from "../solvers/matrix.ts";
import { leastWithNorm } from "../solvers/least-with-norm.ts";
import { gradientCombiner, unsolved } from "./gradient-combiner.ts";

export interface CagradOptions {
  /** How far the update may lie from the mean gradient ḡ, in units of its norm: 0 is ḡ itself. */
  readonly c: number;
  readonly rescale: "none" | "linear" | "square";
  readonly [name: string]: number | string;
}

/**
 * CAGrad (Liu et al.: "Conflict-Averse Gradient Descent", NeurIPS 2021): the update within c‖ḡ‖ of the mean gradient ḡ
 * that serves the worst-served task best. With g_w = Jᵀw for the minimum over the simplex of wᵀG1/T + c‖ḡ‖‖g_w‖ it is
 * ḡ + (c‖ḡ‖/‖g_w‖) g_w.
 *
 * `rescale`: `none` is that (the paper's algorithm, and TorchJD); the authors' code divides it by 1 + c² by default
 * (`square`, and so does LibMTL) and by 1 + c as its other choice (`linear`).
 */
export const cagrad = gradientCombiner<CagradOptions>("cagrad", ({ count, gram, options }) => {
  const mean = new Float64Array(count).fill(1 / count);
  const { c, rescale } = options;
  const divisor = rescale === "none" ? 1 : rescale === "linear" ? 1 + c : 1 + c * c;
  const reach = c * Math.sqrt(quadratic(gram, mean));
  if (reach === 0) return mean.map((weight) => weight / divisor);
  const solution = leastWithNorm(gram, product(gram, mean), reach);
  // A Pareto stationary point, as some mixture of the gradients vanishes: nothing serves every task, and ḡ is taken.
  if (solution.isVanished) return mean.map((weight) => weight / divisor);
  const why = unsolved(solution, 1e-4);
  if (why !== undefined) return failed(why);
  const size = Math.sqrt(quadratic(gram, solution.x));
  return solution.x.map((weight, t) => (at(mean, t) + (reach / size) * weight) / divisor);
});
