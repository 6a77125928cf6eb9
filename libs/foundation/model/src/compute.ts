import type { ParameterLayout } from "@latentweave/parameters";
import type { ModelPhase } from "./graph.ts";

/** Everything a device needs to know to compute micro-batches of a job; plain data, sent to workers. */
export interface ComputeModel {
  readonly layout: ParameterLayout;
  readonly phases: readonly ModelPhase[];
  /** The job's seed: keys every random draw. */
  readonly seed: number;
  /** JavaScript (ESM) of the job's own layers, exporting `layers: Record<string, UserLayer>`; absent when it has none. */
  readonly userModule?: string;
}

export interface MicroBatch {
  /** `estimate`: the likelihood of every sample under a variational task, by `draws` draws for each. */
  readonly program: "gradient" | "evaluate" | "estimate";
  /** For `estimate` alone. */
  readonly draws?: number;
  /** Index into `ComputeModel.phases`. */
  readonly phase: number;
  readonly step: number;
  readonly round: number;
  readonly task: string;
  readonly slot: number;
  readonly samples: number;
  /** [samples, ...input shape], row-major. */
  readonly x: Float32Array;
  /** Columns that losses name, each [samples] or [samples, numbers]. */
  readonly columns: Readonly<Record<string, Int32Array | Float32Array>>;
  /** On the mapped weights of version `step` in this timeline, in place of those that were set. */
  readonly mapped?: number;
  /** `x` and `columns` are the compute's from now on: it may take their memory away instead of copying it. */
  readonly given?: boolean;
  /** The result's gradients are given back with `reuse`: they may lie where later ones will. */
  readonly borrowed?: boolean;
}

/**
 * Sums over samples of a program `estimate`, in nats: −log of the mean over the draws of p(x|z)·p(z)/q(z|x), which is at
 * least −log p(x) in expectation and nears it with more draws (Burda et al. 2016), and the mean of its −logs, the
 * negative evidence lower bound.
 */
export const estimateNames = ["samples", "negativeLogLikelihood", "negativeLowerBound"] as const;

export interface MicroBatchResult {
  /**
   * Gradient of the loss *summed over the samples*, one array per name in `TaskGraph.groups` and in that order, each as
   * long as its group, padding zero. Empty when evaluating. The receiver owns the arrays, unless they are borrowed.
   */
  readonly gradients: readonly Float32Array[];
  /** Sums named by `metricNames`; of an estimate, by `estimateNames`. */
  readonly metrics: Float64Array;
  /** The mapped weights were overwritten meanwhile: the numbers mean nothing, and the step is over. */
  readonly overwritten?: boolean;
  /** How much of the time went into getting the numbers off the device, at the end; where it was measured. */
  readonly readBackMs?: number;
}

/** What `apply` returns for data without training: rows of a named output. */
export interface InferenceRequest {
  readonly phase: number;
  readonly task: string;
  /** `latent`, `reconstruction`, or a head's name (its logits or predictions). */
  readonly output: string;
  readonly samples: number;
  readonly x: Float32Array;
}

/** One shard's part of the weights in memory of this host, as the message `weights` has it. */
export interface MappedWeights {
  readonly file: string;
  readonly writingAt: number;
  readonly slices: readonly {
    readonly group: number;
    readonly start: number;
    readonly numbers: number;
    /** Of even and odd versions. */
    readonly at: readonly [number, number];
  }[];
}

/**
 * One device. Calls are carried out one at a time, in the order in which they are made. Whatever random a layer draws
 * is keyed by (seed, step, round, task, slot, layer, draw), so the same micro-batch on the same weights gives the same
 * bits on every device of one determinism class.
 */
export interface Compute {
  /** Backend, versions, device, instruction set, threads: two devices with equal values give equal bits. */
  readonly determinismClass: Readonly<Record<string, string>>;
  /** May be called again with another model; parameters are zero until set. */
  load(model: ComputeModel): Promise<void>;
  /** Copies numbers into a group, from `start` on, before it returns; takes effect for calls made afterwards. */
  setParameters(slices: readonly { group: number; start: number; values: Float32Array }[]): Promise<void>;
  /**
   * From now on `mapped` micro-batches find this shard's part of the weights there, in place of where it was before.
   * Absent where the device has no such memory.
   * @returns why they cannot be had
   */
  mapWeights?(shard: number, weights: MappedWeights): Promise<string | undefined>;
  run(batch: MicroBatch): Promise<MicroBatchResult>;
  /** Nobody looks at the gradients of a `borrowed` result any more. Absent where nothing is lent. */
  reuse?(gradients: MicroBatchResult["gradients"]): void;
  /** Row-major [samples, ...output shape]. Dropout and noise are off. */
  infer(request: InferenceRequest): Promise<Float32Array>;
  close(): Promise<void>;
}
