import type { FaultKind } from "@latentweave/faults";

/** What one fault did to a run. Durations in milliseconds; null where there is nothing to measure. */
export interface FaultReport {
  /** From 1, in the order of the plan. */
  readonly number: number;
  readonly do: FaultKind;
  readonly to: string;
  /** In words. */
  readonly what: string;
  readonly plannedStep: number;
  readonly outcome: "struck" | "skipped" | "not reached";
  /** Why it was skipped. */
  readonly reason: string | null;
  /** The process that was struck, where the plan left it open. */
  readonly process: string;
  /** Step in progress when it struck. */
  readonly step: number | null;
  readonly moment: string | null;
  /** Since the run began. */
  readonly atMs: number | null;
  /** Until the run, or its launcher, said so; null where nobody had to notice. */
  readonly detectMs: number | null;
  /** What was said. */
  readonly detected: string | null;
  /** Until the step in progress is committed (the one after it, where it was decided already), undone work included. */
  readonly nextCommitMs: number | null;
  /** Micro-batches computed more than once, from this fault until the next. */
  readonly recomputed: number;
  /** Commits made a second time. */
  readonly undoneSteps: number;
  readonly duplicates: number;
  /** The run had ended and was taken up with `--resume`. */
  readonly takenUp: boolean;
}

export interface RunSummary {
  readonly runId: string;
  /** Absolute. */
  readonly directory: string;
  readonly state: "finished" | "interrupted" | "failed";
  readonly reason: string | null;
  /** Committed steps. */
  readonly version: number;
  /** SHA-256 of the parameters, computed from the file. */
  readonly hash: string | null;
  readonly elapsedMs: number;
}

export interface Certificate {
  readonly format: 1;
  /** Every sample once, equal hashes, every fault struck. */
  readonly green: boolean;
  /** What is not as it should be, in words. */
  readonly problems: readonly string[];
  readonly job: string;
  /** The plan's file, or `random seed 7`. */
  readonly plan: string;
  readonly steps: number;
  readonly workers: number;
  readonly shards: number;
  /** With what disk and network were struck, where they were. */
  readonly means: readonly string[];
  readonly undisturbed: RunSummary;
  readonly disturbed: RunSummary;
  readonly faults: readonly FaultReport[];
  readonly samples: {
    readonly planned: number;
    readonly applied: number;
    readonly lost: number;
    readonly appliedTwice: number;
  };
  readonly totals: {
    readonly recomputed: number;
    readonly undoneSteps: number;
    readonly duplicates: number;
    /** Times that the run was taken up with `--resume`. */
    readonly takenUp: number;
  };
  /** Every commit seen, repeated ones too; milliseconds since the run began. */
  readonly commits: readonly { readonly step: number; readonly atMs: number }[];
}
