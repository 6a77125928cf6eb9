import { at, norms, product, quadratic, scaledBoth } from "../solvers/matrix.ts";
import { spectral, symmetricEigen } from "../solvers/symmetric-eigen.ts";
import { failed } from "../even.ts";
import { gradientCombiner } from "./gradient-combiner.ts";

/**
 * ConFIG (Liu et al.: "ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks", ICLR 2025): the
 * direction x̂ of U⁺1, U the unit gradients, which has the same cosine with all of them; its length is Σ g_i·x̂. U⁺1 =
 * Uᵀ(UUᵀ)⁺1 lies in the span of the gradients and (UUᵀ) is their matrix of cosines, so G is all that it needs.
 */
export const config = gradientCombiner("config", ({ count, gram }) => {
  const inverse = norms(gram, count).map((norm) => 1 / norm);
  const ones = new Float64Array(count).fill(1);
  const raw = spectral(symmetricEigen(scaledBoth(gram, inverse)), (value) => 1 / value, ones).map(
    (value, t) => value * at(inverse, t),
  );
  const square = quadratic(gram, raw);
  if (!(square > 0)) return failed("no direction has the same angle with every gradient");
  const along = product(gram, raw).reduce((sum, value) => sum + value, 0);
  return raw.map((value) => (value * along) / square);
});
