import type { Arithmetic } from "@latentweave/arithmetic";

/** exp(x_i) / Σ exp(x), the largest taken off first so that nothing overflows. */
export function softmax(arithmetic: Pick<Arithmetic, "exp">, x: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(x);
  const largest = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const shares = values.map((value) => arithmetic.exp(value - largest));
  const total = shares.reduce((sum, value) => sum + value, 0);
  return shares.map((value) => value / total);
}

/** d/dx of Σ_i q_i·softmax(x)_i: z∘(q − z·q). */
export function softmaxGradient(z: ArrayLike<number>, q: ArrayLike<number>): number[] {
  const values = Array.from(z);
  const mean = values.reduce((sum, value, i) => sum + value * (q[i] ?? 0), 0);
  return values.map((value, i) => value * ((q[i] ?? 0) - mean));
}
