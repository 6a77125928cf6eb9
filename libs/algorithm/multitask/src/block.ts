import type { Arithmetic } from "@latentweave/arithmetic";

/**
 * What the methods need done to one parameter block, with vectors in the arithmetic's memory (one pointer per task, in
 * the job's order of tasks; `numbers` float32 each). Everything global is a sum over blocks, added in block order, so
 * the number of shards cannot change a bit.
 */

/** Row-major T×T inner products of a block's vectors: gradients give the Gram matrix's share, parameters WᵀW's. */
export function blockProducts(
  arithmetic: Arithmetic,
  vectors: readonly number[],
  numbers: number,
): Float64Array {
  const count = vectors.length;
  const products = new Float64Array(count * count);
  vectors.forEach((a, row) => {
    vectors.slice(row).forEach((b, later) => {
      const column = row + later;
      const product = arithmetic.dot(a, b, numbers);
      products[row * count + column] = product;
      products[column * count + row] = product;
    });
  });
  return products;
}

/** total += share, element by element. Throws RangeError when their sizes differ. */
export function addProducts(total: Float64Array, share: Float64Array): void {
  if (total.length !== share.length) {
    throw new RangeError(`products of ${share.length} numbers cannot be added to ${total.length}`);
  }
  share.forEach((value, index) => (total[index] = (total[index] ?? 0) + value));
}

/** into = Σ_t weights[t]·gradients[t], in task order; `into` may be the first gradient's own memory, no other's. */
export function combineBlock(
  arithmetic: Arithmetic,
  block: {
    readonly gradients: readonly number[];
    readonly weights: ArrayLike<number>;
    readonly into: number;
    readonly numbers: number;
  },
): void {
  const { gradients, weights, into, numbers } = block;
  if (gradients.length === 0 || gradients.length !== weights.length) {
    throw new RangeError(`${gradients.length} gradients cannot be combined with ${weights.length} weights`);
  }
  gradients.forEach((gradient, task) => {
    const weight = weights[task] ?? 0;
    if (task === 0) arithmetic.scaleInto(into, gradient, weight, numbers);
    else arithmetic.accumulate(into, gradient, weight, numbers);
  });
}

/**
 * Adds λ·Ω's gradient to the tasks' own: gradients[t] += Σ_s (2·λ·A_ts)·params[s], s ascending. Reads the parameters of
 * the version that the gradients were computed on. Throws RangeError when the counts do not fit.
 */
export function addQuadraticGradient(
  arithmetic: Arithmetic,
  block: {
    readonly matrix: Float64Array;
    readonly lambda: number;
    readonly params: readonly number[];
    readonly gradients: readonly number[];
    readonly numbers: number;
  },
): void {
  const { matrix, lambda, params, gradients, numbers } = block;
  const count = params.length;
  if (gradients.length !== count || matrix.length !== count * count) {
    throw new RangeError(
      `${count} tasks, ${gradients.length} gradients and a matrix of ${matrix.length} numbers`,
    );
  }
  gradients.forEach((gradient, task) => {
    params.forEach((row, other) => {
      arithmetic.accumulate(gradient, row, 2 * lambda * (matrix[task * count + other] ?? 0), numbers);
    });
  });
}
