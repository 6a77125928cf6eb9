import type { Arithmetic } from "@latentweave/arithmetic";
import type { Compute, ComputeModel } from "@latentweave/model";
import type { RunSpec } from "@latentweave/plan";
import type { Channel, Clock, MessageOf, Probe, SpanRecorder, WorkerMoment } from "@latentweave/protocol";
import type { RowReader } from "./row-source.ts";

export interface WorkerOptions {
  readonly runId: string;
  readonly workerId: string;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  readonly compute: Compute;
  /** Digest of a keyed synthetic step on this device: what admits it (docs/protocol.md, "Admission"). */
  readonly canary: (
    compute: Compute,
    model: ComputeModel,
    samplesOf: (task: string) => number,
  ) => Promise<string>;
  /** Where prepared rows come from, once the coordinator has said where the data lies. */
  readonly openRows: (
    task: RunSpec["tasks"][number],
    location: MessageOf<"welcome">["data"],
  ) => Promise<RowReader>;
  /** Keeps a channel to a shard open until `stop`; calls back with every channel it gets. */
  readonly keepShard: (address: string, onChannel: (channel: Channel) => void) => { stop(): void };
  readonly identity: { readonly host: string; readonly pid: number; readonly software: string };
  readonly residentBytes: () => number;
  /** Called before each micro-batch: a test or a throttled worker waits here. */
  readonly beforeMicroBatch?: () => Promise<void>;
  readonly probe?: Probe<WorkerMoment>;
  readonly spans?: SpanRecorder;
  readonly log: (text: string) => void;
}

export type WorkerEnd =
  | { readonly kind: "finished"; readonly reason: string }
  | { readonly kind: "left"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: Error };
