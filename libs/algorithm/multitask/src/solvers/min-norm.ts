import { leastAbove } from "./least-above.ts";
import { at, product, quadratic } from "./matrix.ts";
import type { Solution } from "./solution.ts";

/** Relative; decides between tasks whose gradients depend on each other, and keeps every factorisation definite. */
const ridge = 1e-14;

/**
 * The weights on the simplex for which ‖Jᵀw‖² = wᵀGw is smallest; every diagonal element of G above 0.
 *
 * min over v ≥ 0 of ‖Jᵀv‖² + (1ᵀv − 1)² is at v = s·w with w on the simplex: for each w the best s leaves q/(q + 1)
 * with q = wᵀGw, which grows with q. So w = v/Σv of that nonnegative least-squares problem is exact, where Frank and
 * Wolfe's method has an error of 1/steps. The residual is their duality gap, relative to the squared norm.
 */
export function minNorm(gram: Float64Array, n: number): Solution {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < n; i++) least = Math.min(least, at(gram, i * n + i));
  const matrix = gram.map((value, place) => {
    const scaled = value / least + 1;
    return Math.floor(place / n) === place % n ? scaled + (ridge * value) / least : scaled;
  });
  const solved = leastAbove(matrix, new Float64Array(n).fill(-1), new Float64Array(n));
  const total = solved.x.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return { ...solved, residual: Number.POSITIVE_INFINITY };
  const x = solved.x.map((value) => value / total);
  const value = quadratic(gram, x);
  const gap = value - product(gram, x).reduce((lowest, slope) => Math.min(lowest, slope));
  return { ...solved, x, residual: Math.max(0, gap) / (value + 1e-3 * least) };
}
