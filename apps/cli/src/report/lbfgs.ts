/** A function to be minimised, with its gradient at a point. */
export type Objective = (point: Float64Array) => { readonly value: number; readonly gradient: Float64Array };

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** False: the limit of iterations came first. */
  readonly converged: boolean;
}

/** Steps that the curvature is learned from. */
const memory = 10;
/** Sufficient decrease, and how often a step is halved until it has that (Nocedal and Wright, chapter 3). */
const armijo = 1e-4;
const mostHalvings = 20;
/** The value has settled when this many iterations in a row gain less than `tolerance` of it. */
const settledIterations = 3;

/** L-BFGS (Nocedal and Wright, algorithm 7.5) with halving line search; deterministic. */
export function minimise(
  objective: Objective,
  start: Float64Array,
  limits: { readonly tolerance: number; readonly mostIterations: number },
): Minimum {
  let point = start;
  let { value, gradient } = objective(point);
  const pairs: { readonly step: Float64Array; readonly change: Float64Array; readonly rho: number }[] = [];
  let settled = 0;
  for (let iteration = 1; iteration <= limits.mostIterations; iteration++) {
    const direction = descentDirection(gradient, pairs);
    const slope = dot(direction, gradient);
    let scale = pairs.length === 0 ? 1 / Math.max(1, Math.sqrt(dot(gradient, gradient))) : 1;
    let next = along(point, direction, scale);
    let found = objective(next);
    for (
      let halving = 0;
      halving < mostHalvings && !(found.value <= value + armijo * scale * slope);
      halving++
    ) {
      scale /= 2;
      next = along(point, direction, scale);
      found = objective(next);
    }
    if (!(found.value < value)) return { point, value, iterations: iteration, converged: true };
    const step = difference(next, point);
    const change = difference(found.gradient, gradient);
    const curvature = dot(step, change);
    if (curvature > 1e-12 * dot(change, change)) pairs.push({ step, change, rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    settled = value - found.value < limits.tolerance * Math.abs(value) ? settled + 1 : 0;
    [point, value, gradient] = [next, found.value, found.gradient];
    if (settled === settledIterations) return { point, value, iterations: iteration, converged: true };
  }
  return { point, value, iterations: limits.mostIterations, converged: false };
}

function descentDirection(
  gradient: Float64Array,
  pairs: readonly { readonly step: Float64Array; readonly change: Float64Array; readonly rho: number }[],
): Float64Array {
  const direction = gradient.map((value) => -value);
  const shares: number[] = [];
  for (const { step, change, rho } of pairs.toReversed()) {
    const share = rho * dot(step, direction);
    shares.push(share);
    addScaled(direction, change, -share);
  }
  const newest = pairs.at(-1);
  if (newest) {
    const scale = 1 / (newest.rho * dot(newest.change, newest.change));
    for (let index = 0; index < direction.length; index++)
      direction[index] = (direction[index] as number) * scale;
  }
  for (const { step, change, rho } of pairs) {
    const share = (shares.pop() as number) - rho * dot(change, direction);
    addScaled(direction, step, share);
  }
  return direction;
}

function along(point: Float64Array, direction: Float64Array, scale: number): Float64Array {
  const next = point.slice();
  addScaled(next, direction, scale);
  return next;
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
