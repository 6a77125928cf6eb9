import type { Slice } from "@latentweave/parameters";
import type { TaskRecord } from "./messages.ts";

/** What one committed step applied, in the order in which the ledger keeps it. */
export interface CommitRecord {
  readonly step: number;
  /** Version of the weights afterwards; equal to `step` when the step only evaluated. */
  readonly version: number;
  readonly phase: string;
  readonly tasks: readonly TaskRecord[];
  readonly learningRate: number;
  readonly gradientNorm: number | null;
  /** Contributions that arrived more than once and were dropped, since the previous commit. */
  readonly duplicates: number;
}

/** Receives a checkpoint's slices in any order; nothing is visible to readers before `finish` resolves. */
export interface CheckpointSink {
  /** `section` is `parameters` or the name of an optimiser state; `bytes` are little-endian float32. Copies or writes at once. */
  write(section: string, slice: Slice, bytes: Uint8Array): Promise<void>;
  /** Syncs, renames into place and applies the retention rule. @returns SHA-256 of the parameters (docs/job.md, "Hash"). */
  finish(): Promise<{ readonly hash: string }>;
  abandon(): Promise<void>;
}

export interface CheckpointSource {
  readonly version: number;
  readonly sections: readonly string[];
  /** SHA-256 of the parameters, where it is known. */
  readonly hash?: string;
  /** What `beginCheckpoint` was given. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Padding reads as zero. */
  read(section: string, slice: Slice): Promise<Uint8Array>;
}

/** Everything a coordinator keeps. Files on disk in a real run, memory in the simulator. */
export interface RunStore {
  /** Appends to the ledger; durable at the latest when the next checkpoint's `finish` resolves. */
  appendCommit(record: CommitRecord): void;
  /** One JSON object per line into metrics/NAME.jsonl. */
  appendMetric(
    series: "steps" | "tasks" | "workers" | "events",
    row: Readonly<Record<string, unknown>>,
  ): void;
  /** Replaces run.json atomically. */
  writeState(state: Readonly<Record<string, unknown>>): Promise<void>;
  /** `meta` is kept with the checkpoint as JSON: what the run needs to go on besides tensors. */
  beginCheckpoint(
    version: number,
    sections: readonly string[],
    meta?: Readonly<Record<string, unknown>>,
  ): Promise<CheckpointSink>;
  /** The newest checkpoint whose checksums hold, or undefined; says (via `log`) which were passed over and why. */
  latestCheckpoint(): Promise<CheckpointSource | undefined>;
  /** Cuts the ledger and the metric series back to the commits before `step`: what resumes from there repeats the rest. */
  rewindTo(step: number): Promise<void>;
  close(): Promise<void>;
}
