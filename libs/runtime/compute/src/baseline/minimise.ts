/** A function to be minimised, with its gradient at a point. */
export type Objective = (point: Float64Array) => { readonly value: number; readonly gradient: Float64Array };

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Length of the gradient over that at the start, both in the norm of the preconditioner. */
  readonly gradientShare: number;
  /** False: the limit of iterations came first. */
  readonly converged: boolean;
}

export interface MinimiseOptions {
  /** Approximates the inverse of the curvature, times a vector; symmetric and positive definite. */
  readonly precondition: (vector: Float64Array) => Float64Array;
  /** Ends when `gradientShare` is as small as this. */
  readonly gradientShare: number;
  readonly mostIterations: number;
}

/** Steps that the curvature is learned from. */
const memory = 10;
/** Sufficient decrease, and how often a step is halved until it has that (Nocedal and Wright, chapter 3). */
const armijo = 1e-4;
const mostHalvings = 20;

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** The preconditioner times `change`. */
  readonly smoothed: Float64Array;
  readonly rho: number;
}

/**
 * Preconditioned L-BFGS (Nocedal and Wright, algorithm 7.5) with a halving line search; deterministic. The
 * preconditioner is linear, so one application of it in an iteration gives all that the recursion needs.
 */
export function minimise(objective: Objective, start: Float64Array, options: MinimiseOptions): Minimum {
  let point = start;
  let { value, gradient } = objective(point);
  let smoothed = options.precondition(gradient);
  const startLength = Math.sqrt(dot(gradient, smoothed));
  const pairs: Pair[] = [];
  for (let iterations = 0; ; iterations++) {
    const gradientShare = startLength > 0 ? Math.sqrt(dot(gradient, smoothed)) / startLength : 0;
    const end = { point, value, iterations, gradientShare };
    if (gradientShare <= options.gradientShare) return { ...end, converged: true };
    if (iterations === options.mostIterations) return { ...end, converged: false };
    const direction = descentDirection(gradient, smoothed, pairs);
    const found = lineSearch(objective, point, direction, value, dot(direction, gradient));
    // No step improves the value: only rounding is left, and it ended too early if the gradient is still long.
    if (!found) return { ...end, converged: gradientShare < 10 * options.gradientShare };
    const step = difference(found.point, point);
    const change = difference(found.gradient, gradient);
    const foundSmoothed = options.precondition(found.gradient);
    const curvature = dot(step, change);
    if (curvature > 0)
      pairs.push({ step, change, smoothed: difference(foundSmoothed, smoothed), rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    ({ point, value, gradient } = found);
    smoothed = foundSmoothed;
  }
}

function lineSearch(
  objective: Objective,
  point: Float64Array,
  direction: Float64Array,
  value: number,
  slope: number,
): { readonly point: Float64Array; readonly value: number; readonly gradient: Float64Array } | undefined {
  let scale = 1;
  for (let halving = 0; halving <= mostHalvings; halving++) {
    const next = point.slice();
    addScaled(next, direction, scale);
    const found = objective(next);
    if (found.value < value && found.value <= value + armijo * scale * slope)
      return { point: next, ...found };
    scale /= 2;
  }
  return undefined;
}

/** @param smoothed the preconditioner times the gradient */
function descentDirection(
  gradient: Float64Array,
  smoothed: Float64Array,
  pairs: readonly Pair[],
): Float64Array {
  const rest = gradient.map((value) => -value);
  const direction = smoothed.map((value) => -value);
  const shares: number[] = [];
  for (const pair of [...pairs].reverse()) {
    const share = pair.rho * dot(pair.step, rest);
    shares.push(share);
    addScaled(rest, pair.change, -share);
    addScaled(direction, pair.smoothed, -share);
  }
  const newest = pairs.at(-1);
  if (newest) {
    const scale = 1 / (newest.rho * dot(newest.change, newest.smoothed));
    for (let index = 0; index < direction.length; index++)
      direction[index] = (direction[index] as number) * scale;
  }
  for (const { step, change, rho } of pairs)
    addScaled(direction, step, (shares.pop() as number) - rho * dot(change, direction));
  return direction;
}

function addScaled(target: Float64Array, other: Float64Array, scale: number): void {
  for (let index = 0; index < target.length; index++)
    target[index] = (target[index] as number) + scale * (other[index] as number);
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value - (b[index] as number));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}
