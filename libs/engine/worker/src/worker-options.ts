import type { Arithmetic } from "@latentweave/arithmetic";
import type { Compute, ComputeModel } from "@latentweave/model";
import type { RunSpec } from "@latentweave/plan";
import type { Channel, Clock, MessageOf, Probe, SpanRecorder, WorkerMoment } from "@latentweave/protocol";
import type { RowReader } from "./row-source.ts";

/** A port of loopback, and how such a port is reached. */
export interface RelayPort {
  /** A name for the loopback interface: the same in all processes that share it, and in no others. */
  readonly loopback: string;
  readonly port: number;
  /** Where that worker relays to this shard. */
  addressOf(relay: { readonly workerId: string; readonly port: number }, shard: number): string;
  /** Who takes the channels that come to the port. */
  listen(accept: (channel: Channel, shard: number) => void): void;
}

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
  /** Where this process could relay for others of its host; absent: it could not. */
  readonly relay?: RelayPort;
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
