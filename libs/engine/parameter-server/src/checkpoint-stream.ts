import { type Channel, mostPiecesUnderWay } from "@latentweave/protocol";
import type { OwnedSlice, OwnedState } from "./owned-state.ts";

/** Numbers of one piece. */
const pieceNumbers = 1 << 20;

/** Numbers of a section, as they were when it was copied. */
export interface Part {
  readonly section: string;
  readonly slice: OwnedSlice;
  readonly bytes: Uint8Array;
}

/** The newest version, copied piece by piece. */
export function partsOf<Bytes extends Uint8Array>(
  state: OwnedState,
  copy: (slice: OwnedSlice, section: string) => Bytes,
): readonly (Part & { readonly bytes: Bytes })[] {
  return ["parameters", ...state.stateNames].flatMap((section) =>
    state.slices.map((slice) => ({ section, slice, bytes: copy(slice, section) })),
  );
}

/** One version's part, on its way to the coordinator. */
export interface CheckpointStream {
  /** The coordinator has put one more piece away. */
  taken(): void;
  /** Nobody wants it any more: the channel was lost, or everybody is sent back and will make this version once more. */
  stop(): void;
  /** All of it was sent, or nobody wants it any more. */
  readonly over: Promise<void>;
}

/** Streams this shard's part of a version to the coordinator. Training goes on meanwhile. */
export function streamCheckpoint(options: {
  readonly runId: string;
  readonly index: number;
  readonly channel: Channel;
  readonly version: number;
  readonly parts: readonly Part[];
  /** Of the message that asked for it; 0 when it was due. */
  readonly attempt: number;
  /** Not before this; default: at once. */
  readonly after?: Promise<void> | undefined;
  /** Called after the first piece has left. */
  readonly onFirstPiece?: () => void;
}): CheckpointStream {
  const { runId, index, channel, version, attempt } = options;
  const parts = [...options.parts];
  let room = mostPiecesUnderWay;
  let stopped = false;
  let wake: () => void = () => undefined;
  const stop = (): void => {
    stopped = true;
    wake();
  };
  const roomAgain = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });

  const send = async (): Promise<void> => {
    if (options.after) await options.after;
    let isFirst = true;
    // What has left is let go of, part by part.
    for (let part = parts.shift(); part; part = parts.shift()) {
      const { section, slice, bytes } = part;
      for (let at = 0; at < slice.numbers; at += pieceNumbers) {
        const numbers = Math.min(pieceNumbers, slice.numbers - at);
        while (room === 0 && !stopped) await roomAgain();
        if (stopped) return;
        room--;
        channel.send(
          {
            ...{ type: "checkpoint-slice", runId, version, attempt, section },
            slice: { group: slice.group, start: slice.start + at, numbers },
          },
          [bytes.subarray(at * 4, (at + numbers) * 4)],
        );
        await channel.drained();
        if (isFirst) options.onFirstPiece?.();
        isFirst = false;
      }
    }
    if (!stopped) channel.send({ type: "checkpoint-end", runId, version, attempt, index });
  };

  return {
    taken() {
      room++;
      wake();
    },
    stop,
    over: send(),
  };
}
