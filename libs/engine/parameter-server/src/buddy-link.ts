import { type Channel, type MessageOf, ProtocolError, protocolVersion } from "@latentweave/protocol";
import { listenTo } from "./peers.ts";
import { createPointReceiver } from "./point-receiver.ts";
import { type RecoveryPoint, sendPoint } from "./recovery-point.ts";
import type { ShardOptions } from "./shard-options.ts";

/**
 * A shard's connection to the next one, which keeps copies of its part: a connection of its own, so that no decision
 * ever waits behind a copy.
 */
export interface BuddyLink {
  moveTo(address: string): void;
  /** Sends this copy, and again over every new connection until another call; undefined: none. */
  keep(point: RecoveryPoint | undefined): void;
  /** Asks for this shard's part of a version; the answer is undefined when the buddy has none. */
  fetch(version: number, onAnswer: (point: RecoveryPoint | undefined) => void): void;
  /** What was asked for is wanted no more. */
  forget(): void;
  stop(): void;
}

export function createBuddyLink(
  options: Pick<ShardOptions, "runId" | "index" | "keepShard"> & {
    readonly timeline: () => number;
    readonly onFailed: (error: unknown) => void;
  },
): BuddyLink {
  const { runId, index } = options;
  const receiver = createPointReceiver();
  let channel: Channel | undefined;
  let at: string | undefined;
  let keeping: { stop(): void } | undefined;
  let outgoing: RecoveryPoint | undefined;
  let wanted:
    { readonly version: number; readonly onAnswer: (point: RecoveryPoint | undefined) => void } | undefined;

  const send = (): void => {
    const [to, point] = [channel, outgoing];
    if (!to || !point) return;
    sendPoint({
      ...{ runId, timeline: options.timeline(), channel: to, point },
      isWanted: () => outgoing === point && channel === to,
    }).catch(options.onFailed);
  };
  const ask = (): void => {
    if (wanted) channel?.send({ type: "point-wanted", runId, version: wanted.version });
  };
  const takeEnd = (message: MessageOf<"point-end">): void => {
    const point = receiver.end(message);
    if (message.version !== wanted?.version) return;
    const { onAnswer } = wanted;
    wanted = undefined;
    onAnswer(message.held ? point : undefined);
  };

  const attach = (opened: Channel): void => {
    channel = opened;
    receiver.startOver();
    listenTo(
      opened,
      runId,
      (message, slices) => {
        if (channel !== opened) return;
        if (message.type === "point-slice") receiver.slice(message, slices[0] ?? new Uint8Array());
        else if (message.type === "point-end") takeEnd(message);
        else throw new ProtocolError(`a shard does not take "${message.type}" from its buddy`);
      },
      options.onFailed,
    );
    opened.onClose(() => {
      if (channel === opened) channel = undefined;
    });
    opened.send({ type: "attach-buddy", runId, protocol: protocolVersion, index });
    ask();
    send();
  };

  return {
    moveTo(address) {
      // Said again of the same place: somebody answers there now, and is not to wait for the next attempt.
      if (address === at && channel) return;
      keeping?.stop();
      at = address;
      channel = undefined;
      keeping = options.keepShard(address, attach);
    },
    keep(point) {
      outgoing = point;
      send();
    },
    fetch(version, onAnswer) {
      wanted = { version, onAnswer };
      ask();
    },
    forget() {
      wanted = undefined;
    },
    stop: () => keeping?.stop(),
  };
}
