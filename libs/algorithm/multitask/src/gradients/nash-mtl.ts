import { bargained } from "./bargained.ts";
import { gradientCombiner } from "./gradient-combiner.ts";

/**
 * Nash-MTL (Navon et al.: "Multi-Task Learning as a Bargaining Game", ICML 2022): tasks bargain over the direction; the
 * Nash bargaining solution has G w = 1/w, w > 0. It is the unique minimum of ½wᵀGw − Σ log w_i, found here by damped
 * Newton steps in place of the authors' sequence of convex programs. G is divided by its Frobenius norm, as in their
 * code. Solved in every step: beside the Gram matrix it costs nothing. Their `max_norm` is the job's own `clipNorm`.
 */
export const nashMtl = gradientCombiner("nash-mtl", ({ count, gram, arithmetic }) =>
  bargained(gram, count, 1, arithmetic),
);
