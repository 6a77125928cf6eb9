import type { Codec } from "@latentweave/arithmetic";
import type {
  ActivationName,
  AdversarialLatent,
  AugmentSpec,
  LatentDescription,
  LatentSpec,
  LayerSpec,
  NoiseSpec,
  PenaltySpec,
  ReconstructionDescription,
  SharingKind,
} from "@latentweave/model";
import type { ResolvedCombiner } from "./combiner-schema.ts";
import type { DataSource } from "./data-source.ts";
import type { ResolvedNotFinite } from "./not-finite-schema.ts";
import type { ResolvedGuard } from "./guard-schema.ts";
import type { ResolvedRegulariser } from "./regulariser-schema.ts";
import type { ResolvedRobust } from "./robust-schema.ts";
import type { ResolvedSampling } from "./sampling-schema.ts";

/**
 * A job with every default filled in: what `runs/RUN/job.json` holds. Plain data; JSON keeps it as it is. Fields that
 * stay open (the backend, the number of workers) are null, never absent.
 */
export interface ResolvedJob {
  readonly name: string;
  readonly seed: number;
  /** In the job's order, which is also the order of tasks everywhere else. */
  readonly tasks: Readonly<Record<string, ResolvedTask>>;
  readonly model: ResolvedModelSpec;
  readonly mode: ResolvedMode;
  readonly compression: ResolvedCompression;
  readonly regulariser: ResolvedRegulariser;
  readonly combiner: ResolvedCombiner;
  /** Null: nobody watches, and no baseline is trained. */
  readonly guard: ResolvedGuard | null;
  /** In place of the tasks' own numbers of samples in a step; absent: those hold. */
  readonly sampling?: ResolvedSampling;
  /** Steps from one record of the cosines between the tasks' gradients to the next; 0: none. Changes no bit. */
  readonly cosines: { readonly everySteps: number };
  readonly optimiser: ResolvedOptimiser;
  /** By pattern of tensor names; absent: `optimiser` updates all of them. */
  readonly optimisers?: Readonly<Record<string, ResolvedOptimiser>>;
  readonly schedule: ResolvedSchedule;
  /** Weights that the run begins with; null: drawn ones. */
  readonly start: ResolvedStart | null;
  /** Factors of the learning rate by pattern of tensor names. */
  readonly rates: Readonly<Record<string, number>>;
  /** Upper bound on the L2 norm of the combined gradient; null: no clipping. */
  readonly clipNorm: number | null;
  /** How a task's micro-batches become its gradient; null: by their mean. */
  readonly robust: ResolvedRobust | null;
  /** What becomes of a task whose loss or gradient is not finite. */
  readonly onNotFinite: ResolvedNotFinite;
  /** Exactly one of `steps` and `epochs` is a number; `runLength` turns epochs into steps once samples are counted. */
  readonly steps: number | null;
  readonly epochs: number | null;
  readonly evaluate: ResolvedEvaluation;
  readonly checkpoints: ResolvedCheckpoints;
  /** Null: the run takes all of its steps. */
  readonly stopEarly: { readonly patience: number; readonly minDelta: number } | null;
  /** Null: no average of the weights is kept. */
  readonly average: { readonly decay: number } | null;
  /** Steps from one recovery point to the next; 0: none. */
  readonly recovery: { readonly everySteps: number };
  readonly audit: { readonly share: number };
  readonly compute: ResolvedCompute;
  readonly launcher: ResolvedLauncher;
  /** Path of the module with the job's own layers, relative to the job file; null: none. */
  readonly layers: string | null;
  /** Paths relative to the job file, or names of packages. */
  readonly extensions: readonly string[];
  readonly order: { readonly windowRows: number };
}

export interface ResolvedTask {
  readonly data: DataSource;
  /** Shape of a sample as the encoder gets it; null: the data's own. */
  readonly input: readonly number[] | null;
  readonly encoder: readonly LayerSpec[];
  readonly decoder: readonly LayerSpec[];
  readonly reconstruction: ReconstructionDescription | false;
  readonly heads: Readonly<Record<string, ResolvedHead>>;
  /** Multiplies the task's whole loss: its gradient, where gradients are combined. */
  readonly weight: number;
  /** Samples per micro-batch. */
  readonly microBatch: number;
  /** Contributions per step: micro-batches, or replicas in the mode `diloco`. */
  readonly slots: number;
  /** These are absent where the job has none. */
  readonly latent?: ResolvedLatent;
  readonly augment?: readonly AugmentSpec[];
  readonly noise?: NoiseSpec;
  readonly binarise?: true;
  readonly penalties?: readonly PenaltySpec[];
  readonly tied?: true;
}

export interface ResolvedHead {
  readonly kind: "classification" | "multiLabel" | "regression";
  readonly column: string;
  /** Null: as many as the data has. Of a classification alone. */
  readonly classes: number | null;
  readonly layers: readonly LayerSpec[];
  readonly weight: number;
  /** Absent where no variance is learned. */
  readonly uncertainty?: true;
}

export interface ResolvedStart {
  /** A run's folder or a safetensors file, relative to the job file. */
  readonly from: string;
  /** Patterns of tensor names; null: all. */
  readonly only: readonly string[] | null;
  /** Beginnings of names there, and what they are here. */
  readonly rename: Readonly<Record<string, string>>;
}

export type ResolvedLatent =
  | Exclude<LatentSpec, AdversarialLatent>
  | (AdversarialLatent & {
      /** What updates the discriminator; `job`: the job's own optimiser. */
      readonly optimiser: ResolvedOptimiser | "job";
    });

type HardSharing = Extract<SharingKind, { readonly kind: "shared" }>;

export type ResolvedModelSpec =
  | Exclude<SharingKind, HardSharing>
  | (Omit<HardSharing, "latent"> & { readonly latent: LatentDescription | ResolvedLatent })
  | { readonly kind: "private" }
  | {
      readonly kind: "bank";
      /** Share of the run's steps in which each autoencoder is trained alone, above 0 and below 1. */
      readonly pretrain: number;
      readonly activation: ActivationName;
    };

export type ResolvedMode =
  | { readonly kind: "sync" }
  | {
      readonly kind: "diloco";
      /** Micro-batches of a slot in one step, each a step of `optimiser` on the replica's own weights. */
      readonly innerSteps: number;
      /** Nesterov momentum with the mean way of the replicas. */
      readonly outer: { readonly learningRate: number; readonly momentum: number };
    }
  /** A gradient is applied at most `bound` steps after the version that it was computed on. */
  | { readonly kind: "stale"; readonly bound: number }
  | { readonly kind: "async" };

/** Null: travels as it is. */
export interface ResolvedCompression {
  /** Rounded on this level of the reduction tree, 0 being the micro-batches, or on all of them. */
  readonly push: { readonly codec: Codec; readonly level: number | "every" } | ResolvedLargest | null;
  readonly broadcast: { readonly codec: Codec } | ResolvedLargest | null;
  /** Whoever sends chooses by what it measures of its links. */
  readonly auto: boolean;
  /** False: the job has given the guarantee of the same bits up. */
  readonly sameBits: boolean;
}

/** The largest numbers alone, this share of all; what was left out is added to what comes next. */
export interface ResolvedLargest {
  readonly codec: "topk";
  readonly share: number;
}

export type ResolvedOptimiser =
  | { readonly kind: "sgd"; readonly learningRate: number }
  | {
      readonly kind: "momentum";
      readonly learningRate: number;
      readonly momentum: number;
      readonly nesterov: boolean;
    }
  | {
      readonly kind: "adam";
      readonly learningRate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
    }
  | {
      readonly kind: "adamw";
      readonly learningRate: number;
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      /** Decoupled: each step takes learningRate × weightDecay × w off every weight w. */
      readonly weightDecay: number;
    };

/** Steps here are counted within the phase. All three rise linearly to the learning rate over `warmupSteps` first. */
export type ResolvedSchedule =
  | { readonly kind: "constant"; readonly warmupSteps: number }
  /** Half a cosine from the learning rate to `finalShare` times it, from the end of the warm-up to the phase's last step. */
  | { readonly kind: "cosine"; readonly warmupSteps: number; readonly finalShare: number }
  /** Times `factor` after every `everySteps` steps behind the warm-up. */
  | {
      readonly kind: "step";
      readonly warmupSteps: number;
      readonly everySteps: number;
      readonly factor: number;
    };

export interface ResolvedEvaluation {
  /** After every so many steps, and after the last; 0: never. */
  readonly everySteps: number;
  readonly split: "validation" | "test";
  readonly microBatch: number;
}

export interface ResolvedCheckpoints {
  /** After every so many steps, and after the last; 0: after the last only. */
  readonly everySteps: number;
  /** The newest so many are kept. */
  readonly keep: number;
  /** The one with the least held-out loss is kept besides; then there is one of every version that is evaluated. */
  readonly best: boolean;
}

export interface ResolvedCompute {
  /** Null: the best that this machine has. */
  readonly backend: "native" | "webgpu" | "wasm" | "cpu" | null;
  /** Intra-op threads per worker: part of the job, because they can change bits. */
  readonly threads: number;
  readonly precision: "float32";
}

/** Never changes what a run computes. */
export type ResolvedLauncher = LauncherCounts &
  ({ readonly kind: "local" } | { readonly kind: "ssh"; readonly hosts: readonly string[] });

interface LauncherCounts {
  /** Null: one per core or GPU (local) or per host (ssh), at most one per slot. */
  readonly workers: number | null;
  /** Null: as many as there are workers where shards are beside them, else 1. */
  readonly shards: number | null;
  readonly placement: "auto" | "dedicated" | "beside";
  /** Whether one worker of a host speaks for all of them where the parameter server is on another. */
  readonly hostAggregation: "auto" | "off";
}
