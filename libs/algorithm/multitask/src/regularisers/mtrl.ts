import type { QuadraticRegulariser } from "../regulariser.ts";
import { inversePositive } from "../solvers/cholesky.ts";
import { at } from "../solvers/matrix.ts";
import { spectralMatrix, symmetricEigen } from "../solvers/symmetric-eigen.ts";

/**
 * Multi-task relationship learning (Zhang, Yeung: "A convex formulation for learning task relationships in multi-task
 * learning", UAI 2010): tr(W Ω⁻¹ Wᵀ) with a covariance Ω ⪰ 0 of the tasks, tr Ω = 1, that is learned in turn with W.
 * For a given W the best one is (WᵀW)^½ / tr (WᵀW)^½ (their equation 10). It begins as I/T.
 *
 * Ω has no inverse where tasks outnumber the numbers of w_t, so A = (Ω + ε·I)⁻¹.
 */
export const mtrlRegulariser: QuadraticRegulariser = {
  kind: "quadratic",
  name: "mtrl",
  matrix({ members, options }, learned) {
    const count = members.length;
    if (learned?.length !== count * count)
      throw new RangeError(`Ω of ${learned?.length ?? 0} numbers for ${count} tasks`);
    const raised = learned.slice();
    for (let t = 0; t < count; t++)
      raised[t * count + t] = at(raised, t * count + t) + (options.epsilon ?? 0);
    const inverse = inversePositive(raised);
    if (!inverse) throw new RangeError("Ω + εI is not positive definite");
    return inverse;
  },
  learn(products, { members: { length } }) {
    const root = spectralMatrix(symmetricEigen(products), (value) => Math.sqrt(value));
    let trace = 0;
    for (let t = 0; t < length; t++) trace += at(root, t * length + t);
    if (trace > 0) return root.map((value) => value / trace);
    const even = new Float64Array(length * length);
    for (let t = 0; t < length; t++) even[t * length + t] = 1 / length;
    return even;
  },
};
