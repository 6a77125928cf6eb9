import { solvePositive } from "./cholesky.ts";
import { at, product } from "./matrix.ts";
import type { Solution } from "./solution.ts";

/**
 * min ½ vᵀAv + bᵀv over v ≥ lower, A symmetric positive definite (T×T). With v = lower + z it is a nonnegative
 * least-squares problem, solved by the active-set method of Lawson and Hanson ("Solving Least Squares Problems", ch.
 * 23): exact after finitely many steps, each a Cholesky factorisation of the free rows, where coordinate descent needs
 * as many sweeps as A's condition number.
 */
export function leastAbove(matrix: Float64Array, b: Float64Array, lower: Float64Array): Solution {
  const n = lower.length;
  const atBound = product(matrix, lower).map((value, i) => value + at(b, i));
  const scale = atBound.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  const z = new Float64Array(n);
  const free = new Set<number>();
  const slope = (): Float64Array => product(matrix, z).map((value, i) => value + at(atBound, i));
  let iterations = 0;
  // Exact arithmetic visits no set of free rows twice; the bound is for what rounding makes of ties.
  for (; iterations < 3 * n + 10; iterations++) {
    const next = steepest(slope(), free, 1e-14 * scale);
    if (next === undefined) break;
    free.add(next);
    while (free.size > 0) {
      const target = solveFree(matrix, atBound, free);
      if (target === undefined) return { x: lower.slice(), residual: Number.POSITIVE_INFINITY, iterations };
      const { step, blocking } = longestStep(z, target, free);
      for (const i of free) z[i] = at(z, i) + step * (at(target, i) - at(z, i));
      if (blocking === undefined) break;
      z[blocking] = 0;
      free.delete(blocking);
    }
  }
  const residual = violation(slope(), z) / scale;
  return { x: lower.map((bound, i) => bound + at(z, i)), residual, iterations };
}

function steepest(slope: Float64Array, free: ReadonlySet<number>, tolerance: number): number | undefined {
  let best: number | undefined;
  slope.forEach((value, i) => {
    if (free.has(i) || value >= -tolerance) return;
    if (best === undefined || value < at(slope, best)) best = i;
  });
  return best;
}

/** Where the gradient vanishes in the free rows, the others at 0. */
function solveFree(
  matrix: Float64Array,
  atBound: Float64Array,
  free: ReadonlySet<number>,
): Float64Array | undefined {
  const n = atBound.length;
  const rows = [...free].sort((a, b) => a - b);
  const inside = Float64Array.from(rows.flatMap((i) => rows.map((j) => at(matrix, i * n + j))));
  const solved = solvePositive(
    inside,
    Float64Array.from(rows, (i) => -at(atBound, i)),
  );
  if (solved === undefined) return undefined;
  const target = new Float64Array(n);
  rows.forEach((i, place) => (target[i] = at(solved, place)));
  return target;
}

/** The share of the way to `target` on which every free row stays at or above 0, and which row ends it. */
function longestStep(
  z: Float64Array,
  target: Float64Array,
  free: ReadonlySet<number>,
): { readonly step: number; readonly blocking: number | undefined } {
  let step = 1;
  let blocking: number | undefined;
  for (const i of free) {
    if (at(target, i) > 0) continue;
    const way = at(z, i) - at(target, i);
    const share = way > 0 ? at(z, i) / way : 0;
    if (blocking !== undefined && share >= step) continue;
    step = share;
    blocking = i;
  }
  return { step, blocking };
}

/** How far the conditions z ≥ 0, slope ≥ 0, z·slope = 0 are from holding. */
function violation(slope: Float64Array, z: Float64Array): number {
  return slope.reduce((worst, value, i) => Math.max(worst, at(z, i) > 0 ? Math.abs(value) : -value), 0);
}
