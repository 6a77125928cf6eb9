import { type Channel, type MessageOf, ProtocolError, protocolVersion } from "@latentweave/protocol";
import { listenTo } from "./peers.ts";
import type { ShardOptions } from "./shard-options.ts";

/** A follower's connection to the leader, wherever and whichever process the leader is. */
export interface LeaderLink {
  channel(): Channel | undefined;
  moveTo(address: string): void;
  stop(): void;
  /** What the leader says; set once the run is known. */
  onWord: (message: MessageOf<"decide" | "settled" | "assign">) => void;
  /** It may be another process than before, and has heard nothing. */
  onAttached: (channel: Channel) => void;
}

export function createLeaderLink(
  options: Pick<ShardOptions, "runId" | "index" | "keepShard"> & {
    readonly onFailed: (error: unknown) => void;
  },
): LeaderLink {
  const { runId, index } = options;
  let channel: Channel | undefined;
  let at: string | undefined;
  let keep: { stop(): void } | undefined;

  const attach = (opened: Channel): void => {
    channel = opened;
    listenTo(
      opened,
      runId,
      (message) => {
        if (message.type !== "decide" && message.type !== "settled" && message.type !== "assign")
          throw new ProtocolError(`a follower does not take "${message.type}" from the leader`);
        if (channel === opened) link.onWord(message);
      },
      options.onFailed,
    );
    opened.onClose(() => {
      if (channel === opened) channel = undefined;
    });
    opened.send({ type: "attach-shard", runId, protocol: protocolVersion, index });
    link.onAttached(opened);
  };

  const link: LeaderLink = {
    channel: () => channel,
    moveTo(address) {
      // Said again of the same place: somebody answers there now, and is not to wait for the next attempt.
      if (address === at && channel) return;
      keep?.stop();
      at = address;
      channel = undefined;
      keep = options.keepShard(address, attach);
    },
    stop: () => keep?.stop(),
    onWord: () => undefined,
    onAttached: () => undefined,
  };
  return link;
}
