import type { Arithmetic } from "@latentweave/arithmetic";

/** Adam's memory of a few numbers that the server learns itself: plain data, so that it can be checkpointed. */
export type AdamState = {
  readonly updates: number;
  readonly m: readonly number[];
  readonly v: readonly number[];
};

export function adamStart(count: number): AdamState {
  const zeros = new Array<number>(count).fill(0);
  return { updates: 0, m: zeros, v: zeros };
}

/**
 * One step of Adam (Kingma, Ba 2015) in float64, with PyTorch's constants: β = 0.9, 0.999, ε = 1e-8. `decay` is an L2
 * penalty added to the gradient, as `weight_decay` of PyTorch's Adam is.
 */
export function adamStep(
  arithmetic: Pick<Arithmetic, "pow">,
  state: AdamState,
  step: {
    readonly x: readonly number[];
    readonly gradient: readonly number[];
    readonly learningRate: number;
    readonly decay?: number;
  },
): { readonly x: number[]; readonly state: AdamState } {
  const { x, learningRate, decay = 0 } = step;
  const gradient = x.map((value, i) => (step.gradient[i] ?? 0) + decay * value);
  const updates = state.updates + 1;
  const m = gradient.map((g, i) => 0.9 * (state.m[i] ?? 0) + (1 - 0.9) * g);
  const v = gradient.map((g, i) => 0.999 * (state.v[i] ?? 0) + (1 - 0.999) * g * g);
  const rate = learningRate / (1 - arithmetic.pow(0.9, updates));
  const correction = Math.sqrt(1 - arithmetic.pow(0.999, updates));
  return {
    x: x.map((value, i) => value - (rate * (m[i] ?? 0)) / (Math.sqrt(v[i] ?? 0) / correction + 1e-8)),
    state: { updates, m, v },
  };
}
