import type { Arithmetic, ElementKernels } from "@latentweave/arithmetic";
import type { ResolvedOptimiser } from "@latentweave/job";

export type OptimiserConfig = ResolvedOptimiser;

/** Of a tensor whose "gradient" is no gradient but a statistic of the step, and which is the average of it over steps. */
export interface MovingAverageConfig {
  readonly kind: "movingAverage";
  /** What the average so far counts: above 0, below 1. */
  readonly decay: number;
}

/**
 * A pure pair: `init` gives the state before the first update, `update` writes version n+1 of parameters and state
 * beside version n. Every number of a block depends on that block's numbers alone, so blocks may be updated in any
 * order and on any shard.
 */
export interface Optimiser {
  readonly kind: OptimiserConfig["kind"] | MovingAverageConfig["kind"];
  /** One float32 vector per name, as long as the parameters; names are used in checkpoints. */
  readonly stateNames: readonly string[];
  /** Writes the initial state of a block into `state` (pointers, in the order of `stateNames`). */
  init(arithmetic: Arithmetic, state: readonly number[], numbers: number): void;
  update(arithmetic: ElementKernels, block: OptimiserBlock): void;
}

/** Pointers into the arithmetic's memory, `numbers` float32 each; a next pointer may equal its present one. */
export interface OptimiserBlock {
  readonly params: number;
  readonly next: number;
  readonly gradient: number;
  /** In the order of `stateNames`. */
  readonly state: readonly number[];
  readonly nextState: readonly number[];
  readonly numbers: number;
  /** Updates of this group so far, this one included: 1 for the first. Groups that skip steps skip counts. */
  readonly updateIndex: number;
  /** From `learningRateAt`. */
  readonly learningRate: number;
  /** The gradient is multiplied by this on the way in (see `clipScale`); default 1. */
  readonly gradientScale?: number;
}

/** A block arrived with another number of state vectors than the optimiser has: an engine's mistake. */
export class OptimiserStateError extends Error {
  override readonly name = "OptimiserStateError";
}

/** The optimiser that a job names, or the rule of a tensor that is an average. Formulas: docs/arithmetic.md, "Optimisers". */
export function createOptimiser(config: OptimiserConfig | MovingAverageConfig): Optimiser {
  switch (config.kind) {
    case "sgd":
      return optimiser("sgd", [], (arithmetic, block) => arithmetic.sgd(rangesOf(block), block.learningRate));
    case "momentum":
      return momentum(config);
    case "adam":
      return adam(config, 0);
    case "adamw":
      return adam(config, config.weightDecay);
    case "movingAverage":
      return movingAverage(config);
  }
}

/** The names of the states of several optimisers, each once: sections that all of their tensors have. */
export function stateNamesOf(configs: readonly OptimiserConfig[]): readonly string[] {
  return [...new Set(configs.flatMap((config) => createOptimiser(config).stateNames))];
}

/**
 * p ← p − (1 − decay)·(p − s), with the statistic s in the gradient's place: the exponential moving average of van den
 * Oord et al. (NeurIPS 2017), appendix A.1. It has no learning rate, and whatever the block says of one is not used.
 */
function movingAverage({ decay }: MovingAverageConfig): Optimiser {
  return optimiser("movingAverage", [], (arithmetic, block) => {
    const ranges = rangesOf(block);
    arithmetic.sgd({ ...ranges, gradientScale: -ranges.gradientScale, l2: 1 }, 1 - decay);
  });
}

/**
 * u ← momentum·u + g; p ← p − rate·u, or p − rate·(g + momentum·u) with Nesterov: the form of Sutskever et al. (ICML
 * 2013) as PyTorch and TensorFlow.js write it, with the rate outside the velocity.
 */
function momentum(config: OptimiserConfig & { readonly kind: "momentum" }): Optimiser {
  return optimiser("momentum", ["velocity"], (arithmetic, block) => {
    const [velocity, nextVelocity] = statePair(block, 0);
    arithmetic.momentum(
      { ...rangesOf(block), velocity, nextVelocity },
      { learningRate: block.learningRate, momentum: config.momentum, nesterov: config.nesterov },
    );
  });
}

/**
 * Adam (Kingma, Ba, ICLR 2015) with PyTorch's placement of epsilon: √v̂ + ε, both moments corrected for bias. With a
 * weight decay it is AdamW (Loshchilov, Hutter, ICLR 2019): p also loses rate·weightDecay·p.
 */
function adam(config: OptimiserConfig & { readonly kind: "adam" | "adamw" }, weightDecay: number): Optimiser {
  const { beta1, beta2, epsilon } = config;
  return optimiser(config.kind, ["m", "v"], (arithmetic, block) => {
    const [m, nextM] = statePair(block, 0);
    const [v, nextV] = statePair(block, 1);
    const correction1 = 1 - arithmetic.pow(beta1, block.updateIndex);
    const correction2 = 1 - arithmetic.pow(beta2, block.updateIndex);
    arithmetic.adam(
      { ...rangesOf(block), m, v, nextM, nextV },
      {
        ...{ beta1, beta2, epsilon },
        stepSize: block.learningRate / correction1,
        rootScale: 1 / Math.sqrt(correction2),
        decay: block.learningRate * weightDecay,
      },
    );
  });
}

function optimiser(
  kind: Optimiser["kind"],
  stateNames: readonly string[],
  apply: (arithmetic: ElementKernels, block: OptimiserBlock) => void,
): Optimiser {
  return {
    kind,
    stateNames,
    init(arithmetic, state, numbers) {
      refuseOtherCount(kind, stateNames, state);
      for (const pointer of state) arithmetic.fill(pointer, 0, numbers);
    },
    update(arithmetic, block) {
      refuseOtherCount(kind, stateNames, block.state);
      refuseOtherCount(kind, stateNames, block.nextState);
      if (!Number.isSafeInteger(block.updateIndex) || block.updateIndex < 1) {
        throw new OptimiserStateError(`updates are counted from 1, not ${block.updateIndex}`);
      }
      apply(arithmetic, block);
    },
  };
}

function refuseOtherCount(kind: string, names: readonly string[], state: readonly number[]): void {
  if (state.length === names.length) return;
  throw new OptimiserStateError(
    `${kind} keeps ${names.length} state vectors (${names.join(", ")}), not ${state.length}`,
  );
}

function rangesOf(block: OptimiserBlock) {
  const { params, next, gradient, numbers, gradientScale = 1 } = block;
  return { params, next, gradient, n: numbers, gradientScale, l2: 0 };
}

function statePair(block: OptimiserBlock, index: number): [present: number, next: number] {
  const present = block.state[index];
  const next = block.nextState[index];
  if (present === undefined || next === undefined) throw new OptimiserStateError(`no state vector ${index}`);
  return [present, next];
}

/**
 * How far a constant gradient moves a weight in one update, per unit of it and of the learning rate, once the optimiser
 * has settled: what a proximal step's threshold is multiplied by, so that where steps no longer change W the gradient and
 * λ·∂Ω cancel. Velocity sums to g/(1 − momentum). Adam has no such number: it divides by the gradient's own size.
 * @throws RangeError for Adam
 */
export function proximalRate(optimiser: ResolvedOptimiser): number {
  switch (optimiser.kind) {
    case "sgd":
      return 1;
    case "momentum":
      return 1 / (1 - optimiser.momentum);
    default:
      throw new RangeError(`"${optimiser.kind}" has no proximal step`);
  }
}
