import { slotWeights } from "@latentweave/aggregation";
import type { WeighingRule } from "@latentweave/plan";
import type { ProductRows } from "./product-rows.ts";
import type { Products } from "./products.ts";

export interface WeighedSlots {
  /** What each slot counts, by task in job order; a task that is left out, or has no part in the step, has zeros. */
  readonly slots: readonly (readonly number[])[];
  /** Of the tasks' gradients that come of it. */
  readonly products: Products;
}

/**
 * Applies a robust rule to every task. A task's gradient is M·Σ_s weight_s·g_s in place of Σ_s g_s, so a slot counts M
 * times what it weighs.
 * @param products of the rows, finite
 */
export function weighSlots(
  { count, starts }: ProductRows,
  rule: WeighingRule,
  products: Products,
  takesPart: (task: number) => boolean,
): WeighedSlots {
  const slots = starts.slice(0, -1).map((start, task) => {
    const own = (starts[task + 1] as number) - start;
    if (!takesPart(task)) return Array.from({ length: own }, () => 0);
    const weights = slotWeights(rule, ownProducts(products, count, start, own), own);
    return Array.from(weights, (weight) => own * weight);
  });
  const between = (matrix: Float64Array): Float64Array => multiply(matrix, count, starts, slots);
  return { slots, products: { shared: between(products.shared), own: between(products.own) } };
}

/** Distances are those of all that the task uses, shared or its own. */
function ownProducts({ shared, own }: Products, count: number, start: number, size: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, place) => {
    const at = (start + Math.floor(place / size)) * count + start + (place % size);
    return (shared[at] as number) + (own[at] as number);
  });
}

/** aᵀG b for each two tasks, a and b what their slots count. */
function multiply(
  matrix: Float64Array,
  count: number,
  starts: readonly number[],
  slots: readonly (readonly number[])[],
): Float64Array {
  const taskCount = slots.length;
  return Float64Array.from({ length: taskCount * taskCount }, (_, place) => {
    const [a, b] = [Math.floor(place / taskCount), place % taskCount];
    let sum = 0;
    for (const [i, row] of (slots[a] as readonly number[]).entries())
      for (const [j, column] of (slots[b] as readonly number[]).entries()) {
        const at = ((starts[a] as number) + i) * count + (starts[b] as number) + j;
        sum += row * column * (matrix[at] as number);
      }
    return sum;
  });
}
