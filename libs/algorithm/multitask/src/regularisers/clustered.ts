import type { QuadraticRegulariser } from "../regulariser.ts";
import { inversePositive } from "../solvers/cholesky.ts";
import { at } from "../solvers/matrix.ts";
import { spectralMatrix, symmetricEigen } from "../solvers/symmetric-eigen.ts";

/**
 * Clustered multi-task learning in its convex relaxation (Zhou, Chen, Ye: "Clustered multi-task learning via alternating
 * structure optimization", NIPS 2011, equation 8): η(1+η)·tr(W (ηI + M)⁻¹ Wᵀ) with tr M = k, 0 ⪯ M ⪯ I. M is learned in
 * turn with W: it has the eigenvectors of WᵀW, and for the singular values σ of W the eigenvalues γ that are least in
 * Σ σ_i²/(η + γ_i), that is γ_i = clamp(σ_i/μ − η, 0, 1) with the μ that makes their sum k. It begins as (k/T)·I. Where
 * tasks fall into k clusters, M_ts is large for tasks of one cluster and near 0 for others.
 */
export const clusteredRegulariser: QuadraticRegulariser = {
  kind: "quadratic",
  name: "clustered",
  matrix({ members, options }, learned) {
    const count = members.length;
    const eta = options.eta ?? Number.NaN;
    if (learned?.length !== count * count)
      throw new RangeError(`M of ${learned?.length ?? 0} numbers for ${count} tasks`);
    const raised = learned.slice();
    for (let t = 0; t < count; t++) raised[t * count + t] = at(raised, t * count + t) + eta;
    const inverse = inversePositive(raised);
    if (!inverse) throw new RangeError("ηI + M is not positive definite");
    return inverse.map((value) => eta * (1 + eta) * value);
  },
  learn(products, { options }) {
    const eigen = symmetricEigen(products);
    const roots = eigen.values.map((value) => Math.sqrt(Math.max(0, value)));
    const gammas = clusterSpectrum(roots, options.clusters ?? Number.NaN, options.eta ?? Number.NaN);
    return spectralMatrix(eigen, (_, k) => at(gammas, k));
  },
};

/**
 * The γ with 0 ≤ γ_i ≤ 1 and sum `total` for which Σ σ_i²/(η + γ_i) is least, for σ ≥ 0. The sum of
 * clamp(σ_i·s − η, 0, 1) rises with s = 1/μ: s is halved in on until no float64 lies between. Where fewer σ than `total`
 * are above zero, what is left is dealt evenly to the others, on which nothing depends.
 */
export function clusterSpectrum(sigmas: Float64Array, total: number, eta: number): Float64Array {
  const positive = sigmas.filter((sigma) => sigma > 0);
  if (positive.length <= total) {
    const rest = sigmas.length - positive.length;
    const each = rest > 0 ? (total - positive.length) / rest : 0;
    return sigmas.map((sigma) => (sigma > 0 ? 1 : each));
  }
  const gammasAt = (scale: number): Float64Array =>
    sigmas.map((sigma) => Math.min(1, Math.max(0, sigma * scale - eta)));
  const sumAt = (scale: number): number => gammasAt(scale).reduce((sum, gamma) => sum + gamma, 0);
  let low = 0;
  let high = (1 + eta) / positive.reduce((least, sigma) => Math.min(least, sigma));
  for (;;) {
    const middle = low + (high - low) / 2;
    if (!(low < middle && middle < high)) return gammasAt(high);
    if (sumAt(middle) < total) low = middle;
    else high = middle;
  }
}
