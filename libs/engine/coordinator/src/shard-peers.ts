import type { ParameterLayout } from "@latentweave/parameters";
import {
  type Channel,
  type CheckpointSource,
  type Message,
  type MessageOf,
  ProtocolError,
  type RunStore,
} from "@latentweave/protocol";
import { combinerOf } from "./checkpoint-meta.ts";
import type { Checkpointing } from "./checkpointing.ts";
import { sendRestore } from "./restoring.ts";

interface ShardPeer {
  readonly channel: Channel;
  readonly port: number;
  ready: boolean;
}

/** The parameter server as the coordinator sees it: who is there, where it begins, what it reports. */
export interface ShardPeers {
  /** All are here and hold the weights. */
  readonly begun: boolean;
  /** @returns what takes the shard's further messages. @throws ProtocolError when this run has no such shard. */
  greet(
    channel: Channel,
    hello: MessageOf<"hello">,
  ): (message: Message, slices: readonly Uint8Array[]) => void;
  /** In order of their index, as this peer reaches them. */
  addressesFor(peer: Channel): string[];
  leader(): Channel | undefined;
  channels(): Channel[];
}

export function createShardPeers(options: {
  readonly runId: string;
  readonly shards: number;
  readonly layout: ParameterLayout;
  readonly resume: CheckpointSource | undefined;
  readonly store: RunStore;
  readonly checkpointing: Checkpointing;
  readonly shardAddress: (index: number, port: number, local: boolean) => string;
  readonly welcomeFor: (channel: Channel) => MessageOf<"welcome">;
  readonly onReady: () => void;
  readonly onCommitted: (message: MessageOf<"committed">) => void;
  readonly onStopped: (message: MessageOf<"stopped">) => void;
  readonly onFailed: (reason: string) => void;
}): ShardPeers {
  const { runId, resume } = options;
  const peers = new Map<number, ShardPeer>();
  let begun = false;

  /** Followers report to a leader that is in its first step already, so it begins first. */
  const begin = (indices: readonly number[]): void => {
    for (const index of indices)
      beginOne(index).catch((error: unknown) =>
        options.onFailed(error instanceof Error ? error.message : String(error)),
      );
  };

  const beginOne = async (index: number): Promise<void> => {
    const leader = peers.get(0);
    const channel = peers.get(index)?.channel;
    if (!leader || !channel) return;
    if (resume) {
      const { layout, shards } = options;
      await sendRestore({ runId, layout, source: resume, shards, index, channel });
    }
    const combiner = combinerOf(resume);
    channel.send({
      type: "begin",
      runId,
      step: resume?.version ?? 0,
      restore: resume !== undefined,
      ...(index === 0
        ? combiner !== undefined && { combiner }
        : { leader: options.shardAddress(0, leader.port, channel.local) }),
    });
  };

  const takeReady = (peer: ShardPeer): void => {
    peer.ready = true;
    begun = peers.size === options.shards && [...peers.values()].every(({ ready }) => ready);
    if (begun) options.onReady();
    else if (peer === peers.get(0)) begin([...peers.keys()].filter((index) => index !== 0));
  };

  const take = (index: number, peer: ShardPeer, message: Message, slices: readonly Uint8Array[]): void => {
    switch (message.type) {
      case "ready":
        takeReady(peer);
        return;
      case "committed":
        options.onCommitted(message);
        return;
      case "stopped":
        options.onStopped(message);
        return;
      case "checkpoint-slice":
        options.checkpointing.slice(message, slices[0] ?? new Uint8Array());
        return;
      case "checkpoint-end":
        options.checkpointing.end(message);
        return;
      case "shard-report":
        options.store.appendMetric("workers", {
          process: `shard-${index}`,
          step: message.step,
          ...message.timings,
          residentBytes: message.residentBytes,
        });
        return;
      case "failed":
        options.onFailed(message.message);
        return;
      default:
        throw new ProtocolError(`the coordinator does not take "${message.type}" from a shard`);
    }
  };

  return {
    get begun() {
      return begun;
    },
    greet(channel, hello) {
      const { listening } = hello;
      if (!listening || listening.index >= options.shards)
        throw new ProtocolError(`this run has shards 0 to ${options.shards - 1}`);
      const { index, port } = listening;
      if (peers.has(index)) throw new ProtocolError(`shard ${index} is here already`);
      const peer: ShardPeer = { channel, port, ready: false };
      peers.set(index, peer);
      channel.onClose(() => {
        peers.delete(index);
        options.onFailed(
          `parameter-server shard ${index} (process ${hello.pid}) was lost; \`--resume\` goes on from the last checkpoint`,
        );
      });
      channel.send(options.welcomeFor(channel));
      if (peers.size === options.shards) begin([0]);
      return (message, slices) => take(index, peer, message, slices);
    },
    addressesFor: (peer) =>
      [...peers.entries()]
        .sort(([a], [b]) => a - b)
        .map(([index, { port }]) => options.shardAddress(index, port, peer.local)),
    leader: () => peers.get(0)?.channel,
    channels: () => [...peers.values()].map(({ channel }) => channel),
  };
}
