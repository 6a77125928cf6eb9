import { at, inner, norms, product, quadratic } from "./matrix.ts";
import type { Solution } from "./solution.ts";

/** Thirty tasks take some hundreds. */
const maxIterations = 5000;
const enough = 1e-12;
/**
 * Of what wᵀGw would be without cancellation: below it the norm's direction is rounding. The residual, which divides by
 * the norm twice, has no digits left below about 1e-16 over this.
 */
const vanished = 1e-11;

/**
 * min over the simplex of bᵀw + κ√(wᵀGw), κ > 0: convex. Mass moves between two tasks at a time, from the one whose
 * slope is highest to the one whose is lowest, as far as is best (pairwise Frank–Wolfe; Lacoste-Julien, Jaggi, NeurIPS
 * 2015: linear convergence). The best way t along e_to − e_from has a closed form. The residual is the duality gap,
 * relative to the terms that the objective is the sum of. Where √(wᵀGw) comes to nothing the objective has a kink, at
 * which this stops: `isVanished` tells.
 */
export function leastWithNorm(
  gram: Float64Array,
  b: Float64Array,
  kappa: number,
): Solution & { readonly isVanished: boolean } {
  const n = b.length;
  const sizes = norms(gram, n);
  const w = new Float64Array(n).fill(1 / n);
  let iterations = 0;
  let residual = Number.POSITIVE_INFINITY;
  let isVanished = false;
  let least = Number.POSITIVE_INFINITY;
  let idle = 0;
  for (; iterations < maxIterations; iterations++) {
    const along = product(gram, w);
    const square = quadratic(gram, w);
    const size = Math.sqrt(square);
    const uncancelled = inner(w, sizes);
    isVanished = square <= vanished * uncancelled * uncancelled;
    const value = inner(b, w) + kappa * size;
    // Each step descends, if by nothing that can be seen: then rounding moves mass to and fro.
    idle = value < least ? 0 : idle + 1;
    least = Math.min(least, value);
    const slope = along.map((value, i) => at(b, i) + (size > 0 ? (kappa * value) / size : 0));
    let [to, from] = [0, -1];
    for (let i = 0; i < n; i++) {
      if (at(slope, i) < at(slope, to)) to = i;
      if (at(w, i) > 0 && (from < 0 || at(slope, i) > at(slope, from))) from = i;
    }
    const gap = inner(slope, w) - at(slope, to);
    residual = Math.max(0, gap) / (Math.abs(inner(b, w)) + kappa * size + Number.MIN_VALUE);
    if (isVanished || residual <= enough || to === from || idle > n) break;
    const bend = at(gram, to * n + to) + at(gram, from * n + from) - 2 * at(gram, to * n + from);
    const step = bestStep({
      linear: (at(b, to) - at(b, from)) / kappa,
      square,
      half: at(along, to) - at(along, from),
      bend,
      most: at(w, from),
    });
    if (!(step > 0)) break;
    w[to] = at(w, to) + step;
    w[from] = step === at(w, from) ? 0 : at(w, from) - step;
  }
  return { x: w, residual, iterations, isVanished };
}

/** The t in [0, most] for which linear·t + √(square + 2·half·t + bend·t²) is least. */
function bestStep(line: {
  readonly linear: number;
  readonly square: number;
  readonly half: number;
  readonly bend: number;
  readonly most: number;
}): number {
  const { linear, square, half, bend, most } = line;
  if (!(bend > 0)) return most;
  // With s = half + bend·t the root is √(rest + s²/bend), and the slope vanishes where s = −linear·root.
  const rest = Math.max(0, square - (half * half) / bend);
  const room = 1 - (linear * linear) / bend;
  if (room <= 0) return linear < 0 ? most : 0;
  const s = -linear * Math.sqrt(rest / room);
  return Math.min(most, Math.max(0, (s - half) / bend));
}
