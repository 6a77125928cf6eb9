import type { QuadraticRegulariser } from "../regulariser.ts";

/**
 * Mean-regularised multi-task learning (Evgeniou, Pontil: "Regularized multi-task learning", KDD 2004), in the form
 * Σ_t ‖w_t − w̄‖²: with A = I − 11ᵀ/T, which is idempotent, tr(W A Wᵀ) = ‖W A‖² is that sum.
 */
export const meanRegulariser: QuadraticRegulariser = {
  kind: "quadratic",
  name: "mean",
  matrix({ members: { length } }) {
    const a = new Float64Array(length * length).fill(-1 / length);
    for (let t = 0; t < length; t++) a[t * length + t] = 1 - 1 / length;
    return a;
  },
};
