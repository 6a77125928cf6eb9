import type { Channel, MessageOf } from "@latentweave/protocol";
import type { Holding } from "./starting-point.ts";

/** A shard of the parameter server that is here. */
export interface ShardPeer {
  readonly index: number;
  readonly channel: Channel;
  readonly pid: number;
  /** "unasked" until it has said what it holds. */
  held: Holding | "unasked";
  /** Leader: the records that it tells follow what the ledger has. */
  tells: boolean;
  ready: boolean;
  /** Checkpoints of which a part came before it was ready. */
  readonly missed: Set<string>;
  /** Those that had ended by then, and will not be sent again of themselves. */
  over: MessageOf<"checkpoint-end">[];
}

export function shardPeer(index: number, channel: Channel, pid: number): ShardPeer {
  return { index, channel, pid, held: "unasked", tells: false, ready: false, missed: new Set(), over: [] };
}

/** What it has said that it holds; undefined too where it has not said so yet. */
export function heldBy({ held }: ShardPeer): Holding {
  return held === "unasked" ? undefined : held;
}

/** Of a stream that began before its shard was ready nothing counts. */
export function countsWhole(
  { ready, missed }: ShardPeer,
  { version, attempt }: { readonly version: number; readonly attempt: number },
): boolean {
  if (!ready) missed.add(`${version} ${attempt}`);
  return !missed.has(`${version} ${attempt}`);
}
