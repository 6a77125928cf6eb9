/**
 * λ·Ω(W), which ties the tasks' own parameters together: w_t is task t's vector (flattened encoder, head, ...), all of
 * one length, W the matrix with columns w_t. The kinds differ in what the engine has to do with them; a further kind
 * (a proximal step, for L2,1 and the trace norm) is one more member of this union.
 */
export type Regulariser = NoRegulariser | QuadraticRegulariser;

export interface NoRegulariser {
  readonly kind: "none";
  readonly name: string;
}

/**
 * Ω = tr(W A Wᵀ) = Σ_ts A_ts ⟨w_t, w_s⟩ with A symmetric, T×T. Its gradient with respect to w_t is 2 Σ_s A_ts w_s
 * (A itself counts as constant: methods that learn A do so in turn with W, as MTRL does).
 */
export interface QuadraticRegulariser {
  readonly kind: "quadratic";
  readonly name: string;
  /** Whether `matrix` reads the products WᵀW; if not, shards need not send them before the update. */
  readonly needsProducts: boolean;
  /** A, row-major T×T. `products`: WᵀW likewise, present if `needsProducts`. */
  matrix(taskCount: number, products: Float64Array | undefined): Float64Array;
}

export const noRegulariser: NoRegulariser = { kind: "none", name: "none" };

/**
 * Mean-regularised multi-task learning (Evgeniou, Pontil: "Regularized multi-task learning", KDD 2004), in the form
 * Σ_t ‖w_t − w̄‖²: with A = I − 11ᵀ/T, which is idempotent, tr(W A Wᵀ) = ‖W A‖² is that sum.
 */
export const meanRegulariser: QuadraticRegulariser = {
  kind: "quadratic",
  name: "mean",
  needsProducts: false,
  matrix(taskCount) {
    const a = new Float64Array(taskCount * taskCount).fill(-1 / taskCount);
    for (let t = 0; t < taskCount; t++) a[t * taskCount + t] = 1 - 1 / taskCount;
    return a;
  },
};

/** Ω = Σ_ts A_ts P_ts for P = WᵀW, added in row order. */
export function quadraticValue(matrix: Float64Array, products: Float64Array): number {
  if (matrix.length !== products.length) {
    throw new RangeError(`a matrix of ${matrix.length} numbers meets products of ${products.length}`);
  }
  return matrix.reduce((sum, a, index) => sum + a * (products[index] ?? 0), 0);
}
