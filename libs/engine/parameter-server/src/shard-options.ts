import type { Arithmetic } from "@latentweave/arithmetic";
import type { Channel, Clock } from "@latentweave/protocol";

export interface ShardOptions {
  readonly runId: string;
  readonly index: number;
  readonly shards: number;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  /** Opens the channel to the leader; called once, by followers. */
  readonly dialLeader: (address: string) => Promise<Channel>;
  readonly identity: {
    readonly host: string;
    readonly pid: number;
    readonly software: string;
    readonly port: number;
  };
  readonly residentBytes: () => number;
  readonly log: (text: string) => void;
}
