import type { Slice } from "@latentweave/parameters";
import type { Deal, MessageOf, PausedTask, TaskRecord } from "./messages.ts";

/** What one committed step applied, in the order in which the ledger keeps it. */
export interface CommitRecord {
  readonly step: number;
  /** Version of the weights afterwards; equal to `step` when the step only evaluated. */
  readonly version: number;
  /** In which it was committed; a step is in effect in one timeline only (docs/checkpoints.md, "Timelines"). */
  readonly timeline: number;
  readonly phase: string;
  /** Version digest of the weights that the step was computed on; empty where it could not be had. */
  readonly digest: string;
  /** How many parameter-server shards the nodes of `tasks` were recorded by. */
  readonly shards: number;
  readonly tasks: readonly TaskRecord[];
  readonly learningRate: number;
  readonly gradientNorm: number | null;
  /** Contributions that arrived more than once and were dropped, since the previous commit. */
  readonly duplicates: number;
  /** Tasks whose contributions were not applied, as their numbers were not finite. */
  readonly paused?: readonly PausedTask[];
  /** What the do-no-harm guard decided in this step; absent where it did nothing. */
  readonly guard?: NonNullable<MessageOf<"committed">["guard"]>;
  /** Where sampling is adaptive: what follows from this step's evaluation. */
  readonly deal?: Deal;
  /** In the modes `stale` and `async`: which planned step was applied, and on which version it was computed. */
  readonly order?: NonNullable<MessageOf<"committed">["order"]>;
}

/** What the weights were, once every shard had applied a step. */
export interface VersionRecord {
  readonly version: number;
  readonly timeline: number;
  /** SHA-256, in hexadecimal, over the digests of all parameter blocks (docs/checkpoints.md, "Version digest"). */
  readonly digest: string;
}

/**
 * Why steps are computed again. `resumed`: from a checkpoint; `recovered`: from a recovery point, after a host was lost;
 * `redone`: a step whose sum was not finite; `convicted`: a worker was found to have sent wrong bits. Only after the last
 * may the repeated versions differ from those before.
 */
export type TimelineReason = "resumed" | "recovered" | "redone" | "convicted";

/** From here on steps are computed again from version `fromVersion`: records of those steps before it are void. */
export interface TimelineRecord {
  /** Higher than every one before; a run begins in timeline 0, which has no record. */
  readonly timeline: number;
  readonly fromVersion: number;
  readonly reason: TimelineReason;
  /** For people: who was convicted, which host was lost. */
  readonly detail: string;
  /** In modes with an order: steps that are computed again may come in another one, and so to other versions. */
  readonly reordered?: boolean;
}

/** Whether versions beyond `fromVersion` that are made again may be others: what was sealed of them is void. */
export function makesVoid({ reason, reordered }: TimelineRecord): boolean {
  return reason === "convicted" || reordered === true;
}

/** Where the ledger ends: what is at or before this place is not written a second time. */
export interface LedgerEnd {
  readonly timeline: number;
  /** The next commit of this timeline. */
  readonly nextStep: number;
}

/** Files of a checkpoint that is being written, for whoever has its numbers. */
export interface CheckpointPlace {
  /** No other place has had it, or will. */
  readonly id: string;
  /** Paths on this host; they are there already, as long as they will be. */
  readonly files: readonly string[];
  /** Where a slice's numbers belong, in its order; what is in none of the ranges is padding. */
  ranges(
    section: string,
    slice: Slice,
  ): readonly { readonly slice: Slice; readonly file: number; readonly position: number }[];
  /** Somebody else has written them there, to the last byte. */
  written(section: string, slice: Slice): Promise<void>;
}

/** Receives a checkpoint's slices in any order; nothing is visible to readers before `finish` resolves. */
export interface CheckpointSink {
  /**
   * @param section `parameters` or the name of an optimiser state
   * @param bytes little-endian float32. The caller may reuse them at once, except shared memory (a view of a
   *   `SharedArrayBuffer`): that is the sink's to read until this resolves
   */
  write(section: string, slice: Slice, bytes: Uint8Array): Promise<void>;
  /** Where other processes of this host may write; absent where there is no such place. */
  readonly place?: CheckpointPlace;
  /**
   * Syncs, renames into place and applies the retention rule.
   * @param meta kept as JSON: what the run needs to go on besides tensors
   * @returns SHA-256 of the parameters (docs/job.md, "Hash")
   */
  finish(meta: Readonly<Record<string, unknown>>): Promise<{ readonly hash: string }>;
  abandon(): Promise<void>;
}

export interface CheckpointSource {
  readonly version: number;
  readonly sections: readonly string[];
  /** SHA-256 of the parameters, where it is known. */
  readonly hash?: string;
  /** What `finish` was given. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Padding reads as zero. */
  read(section: string, slice: Slice): Promise<Uint8Array>;
}

/** The version with the least held-out loss: the sum over tasks, each times its weight. */
export interface BestVersion {
  readonly version: number;
  readonly loss: number;
}

/** Everything a coordinator keeps. Files on disk in a real run, memory in the simulator. */
export interface RunStore {
  /**
   * Appends to the ledger; durable at the latest when the next checkpoint's `finish` resolves. A commit that the ledger
   * holds already, or of a timeline that is over, is left out. Steps of a timeline come without gaps.
   * @returns whether it was new
   */
  appendCommit(record: CommitRecord): boolean;
  /** The digest of a version, in the order of versions; one that the ledger holds already is left out. */
  appendVersion(record: VersionRecord): void;
  /** Begins a timeline; resolves once that is on the disk. After a conviction, checkpoints beyond it are never taken again. */
  appendTimeline(record: TimelineRecord): Promise<void>;
  /**
   * Resolves once every line appended to the ledger so far is with the operating system: it outlives this process, not
   * yet a power cut. That may take some milliseconds, for lines are written together. Rejects when it could not be written.
   */
  recorded(): Promise<void>;
  readonly ledgerEnd: LedgerEnd;
  /** One JSON object per line into metrics/NAME.jsonl. */
  appendMetric(
    series: "steps" | "tasks" | "workers" | "events",
    row: Readonly<Record<string, unknown>>,
  ): void;
  /** Replaces run.json atomically. */
  writeState(state: Readonly<Record<string, unknown>>): Promise<void>;
  /** Its checkpoints have a place where others of this host may write. */
  readonly hasPlaces?: boolean;
  beginCheckpoint(version: number, sections: readonly string[]): Promise<CheckpointSink>;
  /** The newest checkpoint, of a version not above `notAbove`, whose checksums hold, or undefined; says (via `log`) which were passed over and why. */
  latestCheckpoint(notAbove?: number): Promise<CheckpointSource | undefined>;
  /** Undefined before a version was marked. A conviction takes back what was marked beyond it. */
  readonly best: BestVersion | undefined;
  /** Its checkpoint, there already or still to come, stays until another one is marked and there. */
  markBest(best: BestVersion): void;
  /** Cuts the metric series back to the steps before `step`: what resumes from there repeats the rest. */
  rewindMetrics(step: number): Promise<void>;
  close(): Promise<void>;
}
