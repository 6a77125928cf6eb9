import { type Arithmetic, randomKey } from "@latentweave/arithmetic";
import { type CombinerName, combinerParts } from "@latentweave/job";
import type { CombinerConfig, CombinerState } from "../combiner.ts";
import { combinerNamed } from "../registry.ts";
import { adamStart, adamStep } from "../solvers/adam.ts";

/**
 * The landscape on which CAGrad, Nash-MTL and FAMO show their methods (Liu et al. 2021; the form of Navon et al. 2022):
 * two losses of two shared parameters. Above y = 0 lie two valleys with cliffs, between which the gradients conflict and
 * differ in length; below lie two bowls, and between their centres the Pareto front. The first loss is scaled by 0.1.
 */
export type Point = readonly [x: number, y: number];

export const starts: readonly Point[] = [
  [-8.5, 7.5],
  [0, 0],
  [9, 9],
  [-7.5, -0.5],
  [9, -1],
];

/** The logarithms end here: below it a loss is flat. */
const floor = 0.000005;
const scaleOfFirst = 0.1;
/** Both losses are above −20 (times the scale); the methods see them above 0 by this. */
const leastLoss = -21;

interface Value {
  readonly value: number;
  readonly slope: Point;
}

function logarithm(arithmetic: Arithmetic, inside: Value): Value {
  const { value, slope } = inside;
  if (Math.abs(value) < floor) return { value: arithmetic.log(floor) + 6, slope: [0, 0] };
  return { value: arithmetic.log(Math.abs(value)) + 6, slope: [slope[0] / value, slope[1] / value] };
}

function bowl([x, y]: Point, centre: number): Value {
  const [dx, dy] = [x - centre, y + 8];
  return { value: (dx * dx + 0.1 * dy * dy) / 10 - 20, slope: [dx / 5, dy / 50] };
}

/** Both losses with their gradients at a point. */
export function landscape(arithmetic: Arithmetic, point: Point): readonly [Value, Value] {
  const [x, y] = point;
  const tanh = arithmetic.tanh(y);
  const steep = 1 - tanh * tanh;
  const half = arithmetic.tanh(y / 2);
  const halfSlope = (1 - half * half) / 2;
  // How much the valleys and the bowls count; where y = 0 both have their slope, as in PyTorch's clamp.
  const above = { value: Math.max(half, 0), slope: half >= 0 ? halfSlope : 0 };
  const below = { value: Math.max(-half, 0), slope: half <= 0 ? -halfSlope : 0 };
  const mix = (valley: Value, round: Value, scale: number): Value => ({
    value: scale * (valley.value * above.value + round.value * below.value),
    slope: [
      scale * (valley.slope[0] * above.value + round.slope[0] * below.value),
      scale *
        (valley.slope[1] * above.value +
          valley.value * above.slope +
          round.slope[1] * below.value +
          round.value * below.slope),
    ],
  });
  const first = logarithm(arithmetic, { value: 0.5 * (-x - 7) + tanh, slope: [-0.5, steep] });
  const second = logarithm(arithmetic, { value: 0.5 * (-x + 3) - tanh + 2, slope: [-0.5, -steep] });
  return [mix(first, bowl(point, 7), scaleOfFirst), mix(second, bowl(point, -7), 1)];
}

/** From the Pareto front, as the authors draw it. */
export function distanceToFront([x, y]: Point): number {
  const beyond = Math.max(0, Math.abs(x) - 7);
  const off = y + 8.3552;
  return Math.sqrt(beyond * beyond + off * off);
}

/** Where a method's update and Adam at the rate 0.001 lead in so many steps. */
export function descend(
  arithmetic: Arithmetic,
  name: CombinerName,
  options: CombinerConfig,
  start: Point,
  steps: number,
): { readonly end: Point; readonly warnings: readonly string[] } {
  const combiner = combinerNamed(name);
  const all = { ...combinerParts(name).options, ...options };
  let state: CombinerState = combiner.init(2, all);
  let x: readonly number[] = start;
  let adam = adamStart(2);
  const warnings: string[] = [];
  const gram = new Float64Array(4);
  const losses = new Float64Array(2);
  const key = randomKey(0, name);
  for (let step = 0; step < steps; step++) {
    const [first, second] = landscape(arithmetic, [x[0] ?? 0, x[1] ?? 0]);
    const [a, b] = [first.slope, second.slope];
    const cross = a[0] * b[0] + a[1] * b[1];
    gram.set([a[0] * a[0] + a[1] * a[1], cross, cross, b[0] * b[0] + b[1] * b[1]]);
    losses.set([first.value - scaleOfFirst * leastLoss, second.value - leastLoss]);
    const solved = combiner.solve({
      ...{ taskCount: 2, options: all, gram, losses, step, state, arithmetic },
      // The order of two tasks is one for both: no method of those shown here draws anything else.
      key: name === "rlw" ? randomKey(0, name, step) : key,
    });
    state = solved.state;
    if (solved.warning !== undefined) warnings.push(solved.warning);
    const [u, v] = [solved.weights[0] ?? 0, solved.weights[1] ?? 0];
    const gradient = [u * a[0] + v * b[0], u * a[1] + v * b[1]];
    ({ x, state: adam } = adamStep(arithmetic, adam, { x, gradient, learningRate: 0.001 }));
  }
  return { end: [x[0] ?? 0, x[1] ?? 0], warnings };
}

/** Where a method leads from each start in as many steps as the authors take, with their options. */
export function arrivals(
  arithmetic: Arithmetic,
  name: CombinerName,
): readonly { readonly end: Point; readonly distance: number; readonly warnings: readonly string[] }[] {
  // FAMO's authors: no decay here, as the objective does not change.
  const options = name === "famo" ? { decay: 0 } : {};
  return starts.map((start) => {
    const { end, warnings } = descend(arithmetic, name, options, start, 50_000);
    return { end, distance: distanceToFront(end), warnings };
  });
}
