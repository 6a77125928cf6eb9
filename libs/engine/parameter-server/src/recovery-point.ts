import type { Slice } from "@latentweave/parameters";
import type { Channel } from "@latentweave/protocol";
import type { OwnedState } from "./owned-state.ts";

/** One shard's part of a version, copied: what an update overwrites later on stays here. */
export interface RecoveryPoint {
  readonly version: number;
  readonly parts: readonly Part[];
  /** Of the leader's part: the combiner's state at that version, as JSON. */
  readonly combiner: string | undefined;
}

interface Part {
  readonly section: string;
  readonly slice: Slice;
  readonly bytes: Uint8Array;
}

/** Numbers sent before waiting for the socket, so that a copy never fills a queue that steps share. */
const chunkNumbers = 1 << 20;

/** Copies the newest version. */
export function copyState(state: OwnedState, combiner: string | undefined): RecoveryPoint {
  const parts = ["parameters", ...state.stateNames].flatMap((section) =>
    state.slices.map((slice) => ({ section, slice, bytes: state.copy(slice, section) })),
  );
  return { version: state.version, parts, combiner };
}

/** Puts a copy back in the place of the newest version. */
export function putBack(state: OwnedState, point: RecoveryPoint): void {
  for (const { section, slice, bytes } of point.parts)
    state.restore(section, { group: slice.group, start: slice.start, numbers: slice.numbers }, bytes);
  state.setVersion(point.version);
}

/** Sends a copy piece by piece, and stops when it is no longer wanted. */
export async function sendPoint(options: {
  readonly runId: string;
  readonly timeline: number;
  readonly channel: Channel;
  readonly point: RecoveryPoint;
  readonly isWanted: () => boolean;
}): Promise<void> {
  const { runId, timeline, channel, point } = options;
  const { version, combiner } = point;
  let pieces = 0;
  for (const { section, slice, bytes } of point.parts) {
    for (let at = 0; at < slice.numbers; at += chunkNumbers) {
      const numbers = Math.min(chunkNumbers, slice.numbers - at);
      channel.send(
        {
          ...{ type: "point-slice", runId, timeline, version, section },
          slice: { group: slice.group, start: slice.start + at, numbers },
        },
        [bytes.subarray(at * 4, (at + numbers) * 4)],
      );
      pieces += 1;
      await channel.drained();
      if (!options.isWanted()) return;
    }
  }
  channel.send({
    ...{ type: "point-end", runId, timeline, version, pieces, held: true },
    ...(combiner !== undefined && { combiner }),
  });
}
