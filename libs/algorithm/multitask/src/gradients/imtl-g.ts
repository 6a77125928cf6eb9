import { failed } from "../even.ts";
import { norms } from "../solvers/matrix.ts";
import { spectral, symmetricEigen } from "../solvers/symmetric-eigen.ts";
import { gradientCombiner } from "./gradient-combiner.ts";

/**
 * IMTL-G (Liu et al.: "Towards Impartial Multi-task Learning", ICLR 2021): the update whose projections onto all
 * gradients are equally long. In the closed form of TorchJD, w = G⁺√diag(G), scaled to sum 1. Weights may be negative.
 */
export const imtlG = gradientCombiner("imtl-g", ({ count, gram }) => {
  const raw = spectral(symmetricEigen(gram), (value) => 1 / value, norms(gram, count));
  const total = raw.reduce((sum, value) => sum + value, 0);
  const size = raw.reduce((sum, value) => sum + Math.abs(value), 0);
  if (!(Math.abs(total) > 1e-12 * size)) return failed("its weights sum to 0 and cannot be scaled to 1");
  return raw.map((value) => value / total);
});
