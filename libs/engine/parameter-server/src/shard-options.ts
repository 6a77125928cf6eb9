import type { Arithmetic } from "@latentweave/arithmetic";
import type { Channel, Clock, Probe, ShardMoment, SpanRecorder, Vault } from "@latentweave/protocol";
import type { OfferPolicy } from "./offers.ts";

/** Writes files that are there already. Errors are the system's. */
export interface CheckpointFiles {
  open(path: string): CheckpointFile;
  /** Workers wait for this shard: what is written now keeps no gradient from being computed. False at first. */
  workersWait(wait: boolean): void;
  /** Another part is to be written after this one already: it waits for no moment any more. False at first. */
  hurry(isDue: boolean): void;
}

export interface CheckpointFile {
  /** @param bytes shared memory, the writer's to read until this resolves */
  write(bytes: Uint8Array<SharedArrayBuffer>, position: number): Promise<void>;
  close(): void;
}

export interface ShardOptions {
  readonly runId: string;
  readonly index: number;
  readonly shards: number;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  /** Keeps a channel to another shard open until `stop`; calls back with every channel it gets. */
  readonly keepShard: (address: string, onChannel: (channel: Channel) => void) => { stop(): void };
  readonly identity: {
    readonly host: string;
    readonly pid: number;
    readonly software: string;
    readonly port: number;
  };
  /** For the weights to outlive this process; `key`: of the run, the same when it is resumed. */
  readonly openVault?: (run: { readonly key: string; readonly spec: string }) => Vault;
  /** For parts of checkpoints whose files are on this host; default: everything is sent. */
  readonly checkpointFiles?: CheckpointFiles;
  /** Default: `offerPolicy`. */
  readonly offers?: OfferPolicy;
  readonly residentBytes: () => number;
  readonly probe?: Probe<ShardMoment>;
  readonly spans?: SpanRecorder;
  readonly log: (text: string) => void;
}
