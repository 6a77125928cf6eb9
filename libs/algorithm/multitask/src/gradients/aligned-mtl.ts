import { at } from "../solvers/matrix.ts";
import { rankTolerance, spectral, symmetricEigen } from "../solvers/symmetric-eigen.ts";
import { gradientCombiner } from "./gradient-combiner.ts";

/**
 * Aligned-MTL (Senushkin et al.: "Independent Component Alignment for Multi-Task Learning", CVPR 2023): the gradients are
 * replaced by the nearest orthogonal ones of equal length, the smallest singular value: with G = VΛVᵀ (values that count
 * as zero left out) w = √λ_min · V Λ^(−½) Vᵀ p, p = 1/T.
 */
export const alignedMtl = gradientCombiner("aligned-mtl", ({ count, gram }) => {
  const eigen = symmetricEigen(gram);
  const tolerance = rankTolerance(eigen);
  const least = eigen.values.find((value) => value > tolerance) ?? at(eigen.values, count - 1);
  return spectral(eigen, (value) => Math.sqrt(least / value), new Float64Array(count).fill(1 / count));
});
