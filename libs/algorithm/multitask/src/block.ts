import type { Arithmetic } from "@latentweave/arithmetic";

/**
 * What the methods need done to one parameter block, besides the arithmetic's own `products`, with vectors in the
 * arithmetic's memory (one pointer per task, in the job's order of tasks; `numbers` float32 each). Everything global is a
 * sum over blocks, added in block order, so the number of shards cannot change a bit.
 */

/** total += share, element by element. Throws RangeError when their sizes differ. */
export function addProducts(total: Float64Array, share: Float64Array): void {
  if (total.length !== share.length) {
    throw new RangeError(`products of ${share.length} numbers cannot be added to ${total.length}`);
  }
  share.forEach((value, index) => (total[index] = (total[index] ?? 0) + value));
}

/** into = Σ_t weights[t]·gradients[t], in task order; `into` may be the first gradient's own memory, no other's. */
export function combineBlock(
  arithmetic: Pick<Arithmetic, "scaleInto" | "accumulate">,
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
 * Every vector becomes Σ_s matrix[t, s]·vector s, s ascending: a block of W becomes that of W·B for a symmetric B.
 * @param copy room for all of them, `numbers` float32 each
 */
export function mixBlock(
  arithmetic: Arithmetic,
  block: {
    readonly vectors: readonly number[];
    readonly matrix: Float64Array;
    readonly copy: number;
    readonly numbers: number;
  },
): void {
  const { vectors, matrix, copy, numbers } = block;
  const count = vectors.length;
  if (matrix.length !== count * count)
    throw new RangeError(`${count} vectors cannot be mixed by ${matrix.length} numbers`);
  const copies = vectors.map((_, task) => copy + task * numbers * 4);
  vectors.forEach((vector, task) => arithmetic.scaleInto(copies[task] as number, vector, 1, numbers));
  vectors.forEach((into, task) => {
    const weights = matrix.subarray(task * count, (task + 1) * count);
    combineBlock(arithmetic, { gradients: copies, weights, into, numbers });
  });
}

/**
 * Multiplies row i, the i-th numbers of all vectors, by `shrink` of its norm. Norms and products are float64, added in
 * the vectors' order, and rounded to float32 once.
 */
export function shrinkRows(
  arithmetic: Arithmetic,
  block: {
    readonly vectors: readonly number[];
    readonly shrink: (norm: number) => number;
    readonly numbers: number;
  },
): void {
  const { vectors, shrink, numbers } = block;
  const views = vectors.map((vector) => arithmetic.f32(vector, numbers));
  const squares = new Float64Array(numbers);
  for (const view of views)
    for (let i = 0; i < numbers; i++)
      squares[i] = (squares[i] as number) + (view[i] as number) * (view[i] as number);
  for (let i = 0; i < numbers; i++) {
    const factor = shrink(Math.sqrt(squares[i] as number));
    for (const view of views) view[i] = (view[i] as number) * factor;
  }
}

/** Every row, the i-th numbers of all vectors, as `map` changes it; computed in float64, rounded to float32 once. */
export function mapRows(
  arithmetic: Arithmetic,
  block: {
    readonly vectors: readonly number[];
    readonly map: (row: Float64Array) => void;
    readonly numbers: number;
  },
): void {
  const { vectors, map, numbers } = block;
  const views = vectors.map((vector) => arithmetic.f32(vector, numbers));
  const row = new Float64Array(vectors.length);
  for (let i = 0; i < numbers; i++) {
    for (const [task, view] of views.entries()) row[task] = view[i] as number;
    map(row);
    for (const [task, view] of views.entries()) view[i] = row[task] as number;
  }
}
