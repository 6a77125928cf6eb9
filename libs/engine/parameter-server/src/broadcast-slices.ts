import type { MessageOf } from "@latentweave/protocol";
import type { OwnedSlice } from "./owned-state.ts";
import type { Publication } from "./publication.ts";

/** What a broadcast says of its slices, and their bytes, in the same order. */
export interface BroadcastSlices {
  readonly headers: MessageOf<"broadcast">["slices"];
  readonly bytes: number;
  /** Where they lie, until the next update. */
  views(): Uint8Array[];
  /** Copies that never change. */
  copies(): readonly Uint8Array[];
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
    views: () => parts.map(({ slice, change }) => change ?? publication.viewOf(slice, version)),
    copies: () =>
      publication.together(parts.map(({ slice, change }) => change ?? publication.bytesOf(slice, version))),
  };
}
