import type { SpectralRegulariser } from "../regulariser.ts";
import { at } from "../solvers/matrix.ts";
import { spectralMatrix, symmetricEigen } from "../solvers/symmetric-eigen.ts";

/**
 * Trace (nuclear) norm, the sum of W's singular values, which makes the tasks share a subspace of few dimensions (Ji, Ye:
 * "An accelerated gradient method for trace norm minimization", ICML 2009). Its proximal step lowers every singular value
 * σ by the threshold τ, to zero at least. With WᵀW = VΛVᵀ and σ² = λ that is W·V diag(max(0, 1 − τ/σ)) Vᵀ, so W itself is
 * never decomposed.
 */
export const traceRegulariser: SpectralRegulariser = {
  kind: "spectral",
  name: "trace",
  shrink(products, threshold) {
    const eigen = symmetricEigen(products);
    const kept = eigen.values.map((value) => {
      const sigma = Math.sqrt(Math.max(0, value));
      return sigma > threshold ? 1 - threshold / sigma : 0;
    });
    return spectralMatrix(eigen, (_, k) => at(kept, k));
  },
};
