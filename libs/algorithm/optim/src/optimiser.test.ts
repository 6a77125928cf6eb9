import { type Arithmetic, loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { describe, expect, test } from "vitest";
import { type OptimiserConfig, OptimiserStateError, createOptimiser, stateNamesOf } from "./optimiser.ts";

const learningRate = 0.01;
const adamDefaults = { learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const configs: readonly OptimiserConfig[] = [
  { kind: "sgd", learningRate },
  { kind: "momentum", learningRate, momentum: 0.9, nesterov: false },
  { kind: "momentum", learningRate, momentum: 0.9, nesterov: true },
  { kind: "adam", ...adamDefaults },
  { kind: "adamw", ...adamDefaults, weightDecay: 0.1 },
];
const titled = configs.map((config) => [JSON.stringify(config), config] as const);

/** Runs updates in place over one block; `gradientOf` sees the float32 parameters as they are. */
function train(
  config: OptimiserConfig,
  start: Float32Array,
  steps: number,
  gradientOf: (params: Float32Array, step: number) => ArrayLike<number>,
  gradientScale?: number,
): { params: Float32Array; state: Float32Array[] } {
  const arithmetic = loadArithmetic();
  const numbers = start.length;
  const rule = createOptimiser(config);
  const vector = () => arithmetic.allocate(numbers * 4);
  const [params, gradient] = [vector(), vector()];
  const state = rule.stateNames.map(vector);
  arithmetic.f32(params, numbers).set(start);
  rule.init(arithmetic, state, numbers);
  for (let step = 0; step < steps; step++) {
    arithmetic.f32(gradient, numbers).set(gradientOf(arithmetic.f32(params, numbers), step));
    rule.update(arithmetic, {
      ...{ params, next: params, gradient, state, nextState: state, numbers },
      ...{ updateIndex: step + 1, learningRate },
      ...(gradientScale === undefined ? {} : { gradientScale }),
    });
  }
  const copy = (pointer: number) => arithmetic.f32(pointer, numbers).slice();
  return { params: copy(params), state: state.map(copy) };
}

/** The textbook loop in float64, written without a look at the kernels. */
function float64Loop(
  config: OptimiserConfig,
  start: Float32Array,
  steps: number,
  gradientOf: (params: Float64Array, step: number) => Float64Array,
): Float64Array {
  const w = Float64Array.from(start);
  const first = new Float64Array(w.length);
  const second = new Float64Array(w.length);
  for (let t = 1; t <= steps; t++) {
    gradientOf(w, t - 1).forEach((g, i) => {
      const old = w[i] ?? Number.NaN;
      if (config.kind === "sgd") {
        w[i] = old - learningRate * g;
      } else if (config.kind === "momentum") {
        const u = config.momentum * (first[i] ?? 0) + g;
        first[i] = u;
        w[i] = old - learningRate * (config.nesterov ? g + config.momentum * u : u);
      } else {
        const m = config.beta1 * (first[i] ?? 0) + (1 - config.beta1) * g;
        const v = config.beta2 * (second[i] ?? 0) + (1 - config.beta2) * g * g;
        first[i] = m;
        second[i] = v;
        const mHat = m / (1 - config.beta1 ** t);
        const vHat = v / (1 - config.beta2 ** t);
        const decayed = config.kind === "adamw" ? old * (1 - learningRate * config.weightDecay) : old;
        w[i] = decayed - (learningRate * mHat) / (Math.sqrt(vHat) + config.epsilon);
      }
    });
  }
  return w;
}

function normals(arithmetic: Arithmetic, n: number, name: string): Float32Array {
  const pointer = arithmetic.allocate(n * 4);
  arithmetic.fillNormal(pointer, n, randomKey(7, name), 0, 0, 1);
  return arithmetic.f32(pointer, n).slice();
}

describe("optimisers", () => {
  const n = 1003;
  const arithmetic = loadArithmetic();
  const start = normals(arithmetic, n, "start");
  const target = normals(arithmetic, n, "target");
  // An ill-conditioned bowl that drifts: curvatures from 0.001 to 10, gradients from tiny to large.
  const curvature = Float64Array.from({ length: n }, (_, i) => 10 ** ((4 * i) / n - 3));
  const slope = (w: ArrayLike<number>, step: number) =>
    curvature.map((c, i) => c * ((w[i] ?? 0) - (target[i] ?? 0)) * (1 + (step % 7) / 10));

  test.each(titled)(
    "%s follows a float64 loop for 50 steps to a relative distance below 1e-6",
    (_name, config) => {
      const { params } = train(config, start, 50, slope);
      const expected = float64Loop(config, start, 50, slope);
      const squares = (of: (i: number) => number) => expected.reduce((sum, _, i) => sum + of(i) ** 2, 0);
      const distance = Math.sqrt(
        squares((i) => (params[i] ?? Number.NaN) - (expected[i] ?? 0)) / squares((i) => expected[i] ?? 0),
      );
      expect(distance).toBeLessThan(1e-6);
      const moved = Math.sqrt(squares((i) => (expected[i] ?? 0) - (start[i] ?? 0)));
      expect(moved, "the loop must have gone somewhere").toBeGreaterThan(1);
    },
  );

  test.each(titled)("%s gives the same bits block by block as in one piece", (_name, config) => {
    const whole = train(config, start, 3, slope);
    const cut = 500;
    const part = train(config, start.slice(cut), 3, (w, step) => {
      const padded = new Float32Array(n);
      padded.set(w, cut);
      return slope(padded, step).slice(cut);
    });
    expect(part.params).toEqual(whole.params.slice(cut));
    expect(part.state).toEqual(whole.state.map((vector) => vector.slice(cut)));
  });

  test.each(titled)("%s writes version n+1 beside version n", (_name, config) => {
    const own = loadArithmetic();
    const rule = createOptimiser(config);
    const vector = (x: number) => {
      const pointer = own.allocate(16);
      own.fill(pointer, x, 4);
      return pointer;
    };
    const [params, next, gradient] = [vector(1), vector(0), vector(0.5)];
    const state = rule.stateNames.map(() => vector(0.25));
    const nextState = rule.stateNames.map(() => vector(0));
    rule.update(own, { params, next, gradient, state, nextState, numbers: 4, updateIndex: 3, learningRate });
    expect([...own.f32(params, 4)]).toEqual([1, 1, 1, 1]);
    for (const pointer of state) expect([...own.f32(pointer, 4)]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(own.f32(next, 4)[0]).toBeLessThan(1);
    for (const pointer of nextState) expect(own.f32(pointer, 4)[0]).not.toBe(0);
  });

  test("take steps known by hand", () => {
    const run = (config: OptimiserConfig, steps: number) =>
      train(config, Float32Array.of(1), steps, () => [2]).params[0] ?? Number.NaN;
    expect(run({ kind: "sgd", learningRate }, 2)).toBeCloseTo(1 - 0.02 - 0.02, 6);
    // Velocities 2 and 0.9·2 + 2 = 3.8; with Nesterov the steps are 2 + 0.9·2 and 2 + 0.9·3.8.
    expect(run({ kind: "momentum", learningRate, momentum: 0.9, nesterov: false }, 2)).toBeCloseTo(0.942, 6);
    expect(run({ kind: "momentum", learningRate, momentum: 0.9, nesterov: true }, 2)).toBeCloseTo(0.9078, 6);
    // A constant gradient makes Adam step by the learning rate, whatever the gradient's size.
    expect(run({ kind: "adam", ...adamDefaults }, 3)).toBeCloseTo(0.97, 6);
    // 1 → 1 − 0.001 − 0.01 = 0.989 → 0.989 − 0.000989 − 0.01.
    expect(run({ kind: "adamw", ...adamDefaults, weightDecay: 0.1 }, 2)).toBeCloseTo(0.978011, 6);
  });

  test("epsilon sits outside the root, after the bias correction", () => {
    const config = { kind: "adam", ...adamDefaults, epsilon: 1 } as const;
    // m̂ = 2, √v̂ = 2: the step is 0.01 · 2 / (2 + 1).
    expect(train(config, Float32Array.of(0), 1, () => [2]).params[0]).toBeCloseTo(-0.02 / 3, 8);
  });

  test("a scale on the gradient does what scaling it beforehand does, and 1 changes no bit", () => {
    for (const config of configs) {
      const halved = train(config, start, 4, (w, step) => slope(w, step).map((g) => Math.fround(g) / 2));
      expect(train(config, start, 4, slope, 0.5)).toEqual(halved);
      expect(train(config, start, 4, slope, 1)).toEqual(train(config, start, 4, slope));
    }
  });

  test("an average follows its float64 reference, whatever rate and scale of a step it is told", () => {
    const decay = 0.99;
    const average = createOptimiser({ kind: "movingAverage", decay });
    const own = loadArithmetic();
    const [pointer, statistic] = [own.allocate(n * 4), own.allocate(n * 4)];
    own.f32(pointer, n).set(start);
    const expected = Float64Array.from(start);
    for (let step = 0; step < 50; step++) {
      const seen = own.f32(statistic, n);
      seen.set(start.map((x, i) => Math.fround(x * (i + step)) + step));
      for (let i = 0; i < n; i++)
        expected[i] = decay * (expected[i] as number) + (1 - decay) * (seen[i] as number);
      average.update(own, {
        ...{ params: pointer, next: pointer, gradient: statistic, state: [], nextState: [], numbers: n },
        ...{ updateIndex: step + 1, learningRate: 7 },
      });
    }
    expect(average.stateNames).toEqual([]);
    const got = own.f32(pointer, n);
    // Each step rounds once: 50 of them to within some ten of float32's last places.
    for (const [i, value] of expected.entries())
      expect(Math.abs((got[i] as number) - value) / Math.max(1, Math.abs(value))).toBeLessThan(1e-6);
  });

  test("the states of several are each named once", () => {
    expect(stateNamesOf([configs[3], configs[1], configs[4]] as OptimiserConfig[])).toEqual([
      "m",
      "v",
      "velocity",
    ]);
  });

  test("name their state and refuse blocks with another number of vectors", () => {
    expect(configs.map((config) => createOptimiser(config).stateNames)).toEqual([
      [],
      ["velocity"],
      ["velocity"],
      ["m", "v"],
      ["m", "v"],
    ]);
    const rule = createOptimiser({ kind: "adam", ...adamDefaults });
    const block = { params: 0, next: 0, gradient: 0, numbers: 0, learningRate };
    expect(() =>
      rule.update(arithmetic, { ...block, state: [0], nextState: [0, 0], updateIndex: 1 }),
    ).toThrow(new OptimiserStateError("adam keeps 2 state vectors (m, v), not 1"));
    expect(() =>
      rule.update(arithmetic, { ...block, state: [0, 0], nextState: [0, 0], updateIndex: 0 }),
    ).toThrow(OptimiserStateError);
  });
});
