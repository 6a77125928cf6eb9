import type {
  ResolvedGuard,
  ResolvedOptimiser,
  ResolvedRegulariserOptions,
  ResolvedSchedule,
} from "@latentweave/job";
import type { TaskGraph } from "@latentweave/model";
import type { GroupSpec } from "@latentweave/parameters";
import type { CompressionSpec } from "./compression.ts";
import type { EarlyStopSpec } from "./held-out.ts";
import type { ModeSpec } from "./mode.ts";
import type { RobustSpec } from "./robust.ts";

/**
 * Everything that fixes a run's bits, and nothing of the cluster: the coordinator makes it once from the job and the
 * prepared data, and every process of the run gets the same text. Plain JSON.
 */
export interface RunSpec {
  readonly format: 1;
  readonly name: string;
  readonly seed: number;
  readonly groups: readonly GroupSpec[];
  readonly phases: readonly PhaseSpec[];
  readonly tasks: readonly TaskSpec[];
  /** Absent: `sync`. */
  readonly mode?: ModeSpec;
  /** Absent: nothing is rounded, everything travels as float32. */
  readonly compression?: CompressionSpec;
  readonly optimiser: ResolvedOptimiser;
  readonly schedule: ResolvedSchedule;
  /** SHA-256 of the parameters that version 0 has, which lie beside the run; absent: they are drawn. */
  readonly initial?: { readonly hash: string };
  /** Factors of the learning rate of tensors, by name, where they are not 1. */
  readonly rates?: Readonly<Record<string, number>>;
  /** What updates tensors, by name, where it is not `optimiser`; absent: it is, everywhere. */
  readonly optimisers?: Readonly<Record<string, ResolvedOptimiser>>;
  /** How a task's micro-batches become its gradient; absent: by their mean. */
  readonly robust?: RobustSpec;
  /** A task whose numbers are not finite is paused, and tried again after so many steps (0: never); absent: the run ends. */
  readonly pauseNotFinite?: { readonly retryAfterSteps: number };
  /** The run ends when held-out losses no longer fall; absent: it does not. */
  readonly stopEarly?: EarlyStopSpec;
  /** A checkpoint is made of every version that is evaluated, and the one with the least held-out loss is kept. */
  readonly keepBest?: true;
  /** An exponential moving average of the weights is kept beside them. */
  readonly average?: { readonly decay: number };
  /** Global L2 norm above which the combined gradient is scaled down; null: never. */
  readonly clipNorm: number | null;
  readonly combiner: {
    readonly name: string;
    /** The method's own, every default filled in. */
    readonly options: Readonly<Record<string, number | string | boolean>>;
    /** Whether the tasks' weights are applied to their private groups too; not when absent. */
    readonly scalesPrivate?: boolean;
    /** Steps from one making of the weights to the next, between which they hold; 1 when absent. */
    readonly everySteps?: number;
  };
  /** Every so many steps the record tells the cosines between the tasks' gradients; never when absent. Changes no bit. */
  readonly cosinesEverySteps?: number;
  /** λ·Ω over every family of groups that the layout has; null: none. */
  readonly regulariser: {
    readonly omega: string;
    readonly lambda: number;
    /** The regulariser's own, every default filled in; absent where it has none. */
    readonly options?: ResolvedRegulariserOptions;
  } | null;
  readonly evaluation: EvaluationSpec | null;
  /** How the tasks' rows of a step follow from evaluations; absent: they are the same in every step. */
  readonly sampling?: AdaptiveSpec;
  /** What is done about a task that is worse than its baseline; absent: nothing, and there are no baselines. */
  readonly guard?: GuardSpec;
  /** A checkpoint is made of every version divisible by this, and of the last; 0: only of the last. */
  readonly checkpointEverySteps: number;
  /** Steps from one recovery point to the next, where there are two shards or more; none when absent. */
  readonly recoveryEverySteps?: number;
  /** Share of steps in which each worker's micro-batches are computed by another one as well; 0 when absent. */
  readonly auditShare?: number;
  /** Rows within which a slot's order is shuffled. */
  readonly windowRows: number;
  readonly compute: { readonly backend: string | null; readonly threads: number };
  /** JavaScript text of the job's own layers. */
  readonly userModule: string | null;
}

/** A stretch of steps that trains one set of graphs; the optimiser's time starts anew with a phase that resets it. */
export interface PhaseSpec {
  readonly name: string;
  readonly steps: number;
  readonly resetOptimiser: boolean;
  readonly graphs: readonly TaskGraph[];
}

export interface TaskSpec {
  readonly name: string;
  /** The task that this one is the baseline of: the same task alone. Baselines come behind all tasks. */
  readonly baselineOf?: string;
  /** Multiplies the task's whole loss. */
  readonly weight: number;
  /**
   * Samples in a micro-batch (where sampling is adaptive: before the first evaluation), and contributions (M) in a step:
   * micro-batches, or replicas where the mode has them.
   */
  readonly microBatch: number;
  readonly slots: number;
  /** Identifies the prepared data; the manifest itself is read from where the data lies. */
  readonly dataHash: string;
  /** Rows of the prepared shards, in manifest order. */
  readonly trainShardRows: readonly number[];
  readonly evaluationShardRows: readonly number[];
}

export interface EvaluationSpec {
  readonly everySteps: number;
  readonly split: "validation" | "test";
  readonly microBatch: number;
}

/** By task in job order, without baselines. */
export interface AdaptiveSpec {
  /** Of a step, over all tasks. */
  readonly samples: number;
  /** Before the first evaluation, and what losses change; they add up to 1. */
  readonly shares: readonly number[];
  /** The most rows of a micro-batch. */
  readonly most: readonly number[];
  readonly strength: number;
  readonly limit: number;
}

/** The job's own words, with its first deciding step in place of a share of the steps. */
export type GuardSpec = Omit<ResolvedGuard, "watch"> & { readonly fromStep: number };

/** Without baselines. */
export function ownTasks({ tasks }: Pick<RunSpec, "tasks">): readonly TaskSpec[] {
  return tasks.filter(({ baselineOf }) => baselineOf === undefined);
}
