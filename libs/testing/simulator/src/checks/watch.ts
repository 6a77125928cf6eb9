import type { MicroBatch } from "@latentweave/model";
import type { CommitRecord, LedgerEnd, Moment, TimelineRecord } from "@latentweave/protocol";
import type { Outgoing } from "../world/connection.ts";

/** Sees everything that the processes of a simulated run do to each other and to their disk. */
export interface Watch {
  /** A coordinator has begun, in this generation. */
  launched(generation: number): void;
  sent(outgoing: Outgoing): void;
  /** A process passes a moment of its engine. */
  passed(process: string, moment: Moment, step: number): void;
  /** A side closed a connection with this code. */
  closed(from: string, to: string, code: number, reason: string): void;
  computing(worker: string, batch: MicroBatch, parameters: readonly Float32Array[]): void;
  /** A commit was handed to the ledger, which took it for a new one. */
  recorded(record: CommitRecord): void;
  timeline(record: TimelineRecord): void;
  /** A checkpoint is on the disk, as its writer was told. */
  durable(version: number): void;
  /** What was found when the run was opened again: the newest checkpoint and the ledger's end. */
  reopened(version: number, end: LedgerEnd): void;
  /** A file of this checkpoint was damaged: what was durable may be so no longer. */
  damaged(version: number): void;
  /** What was not synced may be gone. */
  powerCut(): void;
  /** Bytes of weights and sums that a process holds. */
  held(process: string, bytes: number): void;
  /** Something that no fault explains. */
  violated(invariant: string, text: string): void;
}
