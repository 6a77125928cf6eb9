import type { Channel } from "@latentweave/protocol";
import type { OwnedState } from "./owned-state.ts";

/** Bytes sent before waiting for the socket: bounds what a checkpoint adds to the memory of both ends. */
const chunkNumbers = 1 << 20;

/**
 * Streams this shard's part of the newest version to the coordinator. The numbers are copied before the first wait, so
 * training goes on meanwhile.
 */
export async function streamCheckpoint(options: {
  readonly runId: string;
  readonly index: number;
  readonly channel: Channel;
  readonly state: OwnedState;
  /** Of the message that asked for it; 0 when it was due. */
  readonly attempt: number;
  /** Called after the first piece has left. */
  readonly onFirstPiece?: () => void;
}): Promise<void> {
  const { runId, index, channel, state, attempt } = options;
  const { version, timeline } = state;
  const parts = ["parameters", ...state.stateNames].flatMap((section) =>
    state.slices.map((slice) => ({ section, slice, bytes: state.copy(slice, section) })),
  );
  for (const { section, slice, bytes } of parts) {
    for (let at = 0; at < slice.numbers; at += chunkNumbers) {
      const numbers = Math.min(chunkNumbers, slice.numbers - at);
      channel.send(
        {
          type: "checkpoint-slice",
          runId,
          version,
          attempt,
          section,
          slice: { group: slice.group, start: slice.start + at, numbers },
        },
        [bytes.subarray(at * 4, (at + numbers) * 4)],
      );
      await channel.drained();
      // Everybody was sent back meanwhile: this version will be made, and sent, once more.
      if (state.timeline !== timeline) return;
      if (at === 0 && section === parts[0]?.section && slice === parts[0].slice) options.onFirstPiece?.();
    }
  }
  channel.send({ type: "checkpoint-end", runId, version, attempt, index });
}
