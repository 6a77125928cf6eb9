import type { Channel, MessageOf } from "@latentweave/protocol";
import type { OwnedSlice } from "./owned-state.ts";
import type { Publication } from "./publication.ts";

/** What a broadcast says of its slices, and how they go with it, in the same order. */
export interface BroadcastSlices {
  readonly headers: MessageOf<"broadcast">["slices"];
  readonly bytes: number;
  /**
   * Takes them from where they lie, if the channel shares memory; through others go copies that all of those share.
   * @param alone nobody else needs such copies
   * @returns what lets the message leave, before the next update and before anything else is sent on this channel
   */
  stage(channel: Channel, message: MessageOf<"broadcast">, alone?: boolean): () => void;
}

/**
 * The slices of a version as a subscriber gets them: encoded changes to what it has, where there are any, else whole.
 *
 * @param sent the change of each slice that the subscriber was sent last; brought up to date
 */
export function broadcastSlices(
  publication: Publication,
  due: readonly OwnedSlice[],
  version: number,
  sent: Map<OwnedSlice, number>,
): BroadcastSlices {
  const parts = due.map((slice) => {
    const from = sent.get(slice);
    const change = publication.changeOf(slice, version, from);
    sent.set(slice, publication.changedAt(slice, version));
    return { slice, from, change, kind: change && publication.kindOf(slice) };
  });
  return {
    headers: parts.map(({ slice: { group, start, numbers }, from, change, kind }) => ({
      ...{ group, start, numbers },
      ...(change && from !== undefined && { from }),
      ...((kind === "int8" || kind === "topk") && { codec: kind }),
    })),
    bytes: parts.reduce((sum, { slice, change }) => sum + (change?.byteLength ?? 4 * slice.numbers), 0),
    stage(channel, message, alone = false) {
      const views = (): readonly Uint8Array[] =>
        parts.map(({ slice, change }) => change ?? publication.viewOf(slice, version));
      const copies = (): readonly Uint8Array[] =>
        publication.together(parts.map(({ slice, change }) => change ?? publication.bytesOf(slice, version)));
      return (
        channel.stage(message, views()) ??
        (() => {
          if (alone) {
            channel.sendCopy(message, views());
            return;
          }
          const bytes = copies();
          channel.send(message, bytes);
          publication.sending(bytes, channel.drained());
        })
      );
    },
  };
}
