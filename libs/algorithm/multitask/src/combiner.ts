import type { Arithmetic, Key } from "@latentweave/arithmetic";

/**
 * Turns T task gradients into one update direction Σ_t w_t·g_t of the shared parameters. A combiner sees the T×T Gram
 * matrix of the gradients and the tasks' losses, never a gradient, so it costs the same whatever the model's size. It
 * runs on the leader shard; `init` and `solve` are pure, and whatever a method remembers from step to step lies in its
 * state, which checkpoints keep: a restart continues to the same bits.
 *
 * Private parameters are not scaled by these weights: they have one task, and its gradient is theirs.
 */
export interface Combiner<
  State extends CombinerState = CombinerState,
  Options extends CombinerConfig = CombinerConfig,
> {
  /** As written in a job; the names of LibMTL and TorchJD where they have the method. */
  readonly name: string;
  /** Whether `solve` reads the Gram matrix; if not, shards need not compute it. */
  readonly needsGram: boolean;
  init(taskCount: number, options: Options): State;
  solve(input: CombineInput<State, Options>): Combination<State>;
}

export interface Combination<State> {
  /** One per task. */
  readonly weights: Float64Array;
  readonly state: State;
  /** The method's own answer was not to be had, and the weights are others: why, and which. */
  readonly warning?: string;
}

/** Plain data, so that it can be checkpointed and compared: JSON without NaN or infinities. */
export type CombinerState =
  null | number | string | boolean | readonly CombinerState[] | { readonly [name: string]: CombinerState };

/** A method's own settings, all of them: defaults are the job's schema's. */
export type CombinerConfig = Readonly<Record<string, number | string | boolean>>;

export interface CombineInput<State, Options = CombinerConfig> {
  readonly taskCount: number;
  readonly options: Options;
  /** Row-major T×T inner products of the tasks' gradients over the shared parameters; present if `needsGram`. */
  readonly gram: Float64Array | undefined;
  /** Per task, in the job's order: the mean loss of this step whose gradient is combined, the task's weight in it. */
  readonly losses: Float64Array;
  /** Counted from 0. */
  readonly step: number;
  readonly state: State;
  /** For methods that draw: keyed by seed and step by the engine, the same on every restart. */
  readonly key: Key;
  /** For exp, log and their like; a combiner uses no other inexact function. */
  readonly arithmetic: Arithmetic;
}

/** Every task counts once: the gradient of the summed losses. */
export const sumCombiner: Combiner<null> = {
  name: "sum",
  needsGram: false,
  init: () => null,
  solve: ({ taskCount }) => ({ weights: new Float64Array(taskCount).fill(1), state: null }),
};

/** The gradient of the mean loss: the sum divided by the number of tasks. */
export const meanCombiner: Combiner<null> = {
  name: "mean",
  needsGram: false,
  init: () => null,
  solve: ({ taskCount }) => ({ weights: new Float64Array(taskCount).fill(1 / taskCount), state: null }),
};
