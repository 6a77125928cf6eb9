import { type Key, permute } from "@latentweave/arithmetic";
import { at } from "../solvers/matrix.ts";

/** Σ_k coefficients[k]·G_kj: a combination of gradients times g_j. */
export function along(gram: Float64Array, coefficients: Float64Array, j: number): number {
  const n = coefficients.length;
  let sum = 0;
  for (let k = 0; k < n; k++) sum += at(coefficients, k) * at(gram, k * n + j);
  return sum;
}

/** The tasks but `task`, in an order of its own. */
export function othersInOrder(task: number, count: number, key: Key): number[] {
  // Another key for each task; 2654435761 is Knuth's multiplicative constant, odd and so a bijection of 32-bit words.
  const own = { low: key.low, high: (key.high ^ Math.imul(task + 1, 2_654_435_761)) >>> 0 };
  return Array.from({ length: count }, (_, place) => permute(place, count, own)).filter((j) => j !== task);
}
