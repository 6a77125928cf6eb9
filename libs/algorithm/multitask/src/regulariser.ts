import type { ResolvedRegulariserOptions } from "@latentweave/job";

/**
 * λ·Ω(W), which ties the tasks' own parameters together: w_t is task t's vector (flattened encoder, head, ...), all of
 * one length, W the matrix with columns w_t. The kinds differ in what the engine has to do with them: a quadratic form
 * is smooth and joins the gradient; the others have no gradient where they matter, and are a step of their own after
 * the optimiser's.
 */
export type Regulariser =
  NoRegulariser | QuadraticRegulariser | RowRegulariser | SpectralRegulariser | SplitRegulariser;

/** Which tasks a family relates: of `taskCount` in the job, these, in its order. */
export interface Related {
  readonly members: readonly number[];
  readonly taskCount: number;
  readonly options: ResolvedRegulariserOptions;
}

export interface NoRegulariser {
  readonly kind: "none";
  readonly name: string;
}

/**
 * Ω = tr(W A Wᵀ) = Σ_ts A_ts ⟨w_t, w_s⟩ with A symmetric, T×T. Its gradient with respect to w_t is 2 Σ_s A_ts w_s
 * (A itself counts as constant: methods that learn A do so in turn with W).
 */
export interface QuadraticRegulariser {
  readonly kind: "quadratic";
  readonly name: string;
  /** A, row-major. @param learned the newest matrix of `learn`, or what it begins as; read by those that learn */
  matrix(related: Related, learned: Float64Array | undefined): Float64Array;
  /** The matrix that is best for this W, from WᵀW. Absent: A never changes. */
  learn?(products: Float64Array, related: Related): Float64Array;
}

/** Ω = Σ_i ‖row i of W‖: each row over the tasks by itself. */
export interface RowRegulariser {
  readonly kind: "rows";
  readonly name: string;
  /** What row i is multiplied by, from its norm: prox of `threshold`·Ω. */
  shrink(norm: number, threshold: number): number;
}

/** Ω of W's singular values alone: its proximal step is W·B with B a function of WᵀW. */
export interface SpectralRegulariser {
  readonly kind: "spectral";
  readonly name: string;
  /** B, row-major, symmetric: prox of `threshold`·Ω at W is W·B. */
  shrink(products: Float64Array, threshold: number): Float64Array;
}

/** A norm of one part of W, by its proximal step. */
export type Part =
  | Pick<SpectralRegulariser, "kind" | "shrink">
  /** Changes row i, one number of each task, in place. */
  | { readonly kind: "rows"; shrink(row: Float64Array, threshold: number): void };

/**
 * W = P + S, each with a norm of its own: λ·‖P‖ + sparse·‖S‖. Both parts take the step that the optimiser takes with W,
 * for their gradients are W's, and then each its own proximal step. The server keeps S beside W.
 */
export interface SplitRegulariser {
  readonly kind: "split";
  readonly name: string;
  /** Of P. */
  readonly shared: Part;
  /** Of S. */
  readonly own: Part;
}

export const noRegulariser: NoRegulariser = { kind: "none", name: "none" };

/** Ω = Σ_ts A_ts P_ts for P = WᵀW, added in row order. */
export function quadraticValue(matrix: Float64Array, products: Float64Array): number {
  if (matrix.length !== products.length) {
    throw new RangeError(`a matrix of ${matrix.length} numbers meets products of ${products.length}`);
  }
  return matrix.reduce((sum, a, index) => sum + a * (products[index] ?? 0), 0);
}
