import type { Arithmetic } from "@latentweave/arithmetic";
import { solvePositive } from "./cholesky.ts";
import { at, inner, product } from "./matrix.ts";
import type { Solution } from "./solution.ts";

const maxIterations = 200;
const enough = 1e-14;

/**
 * The w > 0 with A w = c∘w^(−p), p > 0: the unique minimum of the convex ½wᵀAw + Σ c_i φ(w_i), φ' = −w^(−p), for a
 * symmetric positive definite A with unit diagonal and c > 0. Newton's method, its steps cut to stay positive and
 * halved until they descend. With p = 1 it is Nash's bargaining solution and the objective is self-concordant, so it
 * converges from anywhere (Boyd, Vandenberghe: "Convex Optimization", §9.6).
 */
export function bargain(
  matrix: Float64Array,
  c: Float64Array,
  p: number,
  arithmetic: Pick<Arithmetic, "log" | "pow">,
): Solution {
  const n = c.length;
  const falling = (x: number): number => (p === 1 ? 1 / x : arithmetic.pow(x, -p));
  const phi = (x: number): number => (p === 1 ? -arithmetic.log(x) : -arithmetic.pow(x, 1 - p) / (1 - p));
  const value = (w: Float64Array): number =>
    inner(w, product(matrix, w)) / 2 + w.reduce((sum, x, i) => sum + at(c, i) * phi(x), 0);
  const slopeOf = (w: Float64Array): Float64Array =>
    product(matrix, w).map((x, i) => x - at(c, i) * falling(at(w, i)));
  const residualOf = (w: Float64Array, slope: Float64Array): number =>
    slope.reduce((worst, x, i) => Math.max(worst, Math.abs(x) / (at(c, i) * falling(at(w, i)))), 0);

  // Where the rows do not meet (A = I) this is the answer.
  let w: Float64Array = c.map((x) => (p === 1 ? Math.sqrt(x) : arithmetic.pow(x, 1 / (1 + p))));
  let slope: Float64Array = slopeOf(w);
  let residual = residualOf(w, slope);
  let iterations = 0;
  for (; iterations < maxIterations && residual > enough; iterations++) {
    const curved = matrix.slice();
    for (let i = 0; i < n; i++)
      curved[i * n + i] = at(curved, i * n + i) + (p * at(c, i) * falling(at(w, i))) / at(w, i);
    const step = solvePositive(
      curved,
      slope.map((x) => -x),
    );
    if (step === undefined) break;
    let share = 1;
    for (let i = 0; i < n; i++)
      if (at(step, i) < 0) share = Math.min(share, (-0.95 * at(w, i)) / at(step, i));
    const moved = (part: number): Float64Array => w.map((x, i) => x + part * at(step, i));
    // Small steps need no search: within a tenth of w the curvature hardly changes. Nor could one be made: close to the
    // minimum the objective has no digits left to fall by.
    const largest = step.reduce((most, x, i) => Math.max(most, Math.abs(x) / at(w, i)), 0);
    if (largest > 0.1) {
      const descent = inner(slope, step);
      const before = value(w);
      while (share > 1e-10 && !(value(moved(share)) <= before + 0.1 * share * descent)) share /= 2;
    }
    const next = moved(share);
    const nextSlope = slopeOf(next);
    const nextResidual = residualOf(next, nextSlope);
    // Rounding's floor: Newton's small steps halve the residual and better anywhere else.
    if (largest <= 0.1 && !(nextResidual < residual)) break;
    [w, slope, residual] = [next, nextSlope, nextResidual];
  }
  return { x: w, residual, iterations };
}
