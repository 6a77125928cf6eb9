import type { Channel, MessageOf } from "@latentweave/protocol";
import { type CheckpointStream, streamCheckpoint } from "./checkpoint-stream.ts";
import type { OwnedSlice } from "./owned-state.ts";
import type { SharedPart } from "./part-memory.ts";
import type { CheckpointFile, CheckpointFiles } from "./shard-options.ts";

export type Place = Pick<MessageOf<"checkpoint-place">, "version" | "place" | "files" | "ranges">;

/**
 * Writes this shard's part of a version to where it belongs, then tells the coordinator that it is there. Where it cannot
 * be written, it is sent after all. Training goes on meanwhile.
 */
export function placeCheckpoint(options: {
  readonly runId: string;
  readonly index: number;
  readonly channel: Channel;
  readonly parts: readonly SharedPart[];
  readonly place: Place;
  readonly files: CheckpointFiles;
  /** Not before this, which never rejects; default: at once. */
  readonly after?: Promise<void> | undefined;
  /** Called once something of it is written. */
  readonly onFirstPiece?: () => void;
  readonly onRefused: (error: unknown) => void;
}): CheckpointStream {
  const { runId, index, channel, parts, place, onFirstPiece } = options;
  const { version } = place;
  let stopped = false;
  let sent: CheckpointStream | undefined;

  const write = async (opened: readonly CheckpointFile[]): Promise<void> => {
    let isFirst = true;
    for (const { section, slice, bytes } of parts)
      for (const range of place.ranges) {
        if (stopped) return;
        if (range.section !== section || !isWithin(range.slice, slice)) continue;
        const from = (range.slice.start - slice.start) * 4;
        const own = bytes.subarray(from, from + range.slice.numbers * 4);
        await opened[range.file]?.write(own, range.position);
        if (isFirst) onFirstPiece?.();
        isFirst = false;
      }
  };

  const writeAll = async (): Promise<void> => {
    const opened: CheckpointFile[] = [];
    try {
      for (const file of place.files) opened.push(options.files.open(file));
      await write(opened);
    } finally {
      for (const file of opened) file.close();
    }
  };

  /** Not before all of it is there: what has been told of cannot be sent any more. */
  const tell = (): void => {
    for (const { section, slice } of parts) {
      const { group, start, numbers } = slice;
      channel.send({
        ...{ type: "checkpoint-slice", runId, version, attempt: 0, place: place.place, section },
        slice: { group, start, numbers },
      });
    }
    channel.send({ type: "checkpoint-end", runId, version, attempt: 0, index });
  };

  const run = async (): Promise<void> => {
    await options.after;
    try {
      await writeAll();
    } catch (error) {
      if (stopped) return;
      options.onRefused(error);
      sent = streamCheckpoint({ runId, index, channel, version, parts, attempt: 0 });
      await sent.over;
      return;
    }
    if (!stopped) tell();
  };

  return {
    taken: () => sent?.taken(),
    stop() {
      stopped = true;
      sent?.stop();
    },
    over: run(),
  };
}

function isWithin(inner: Place["ranges"][number]["slice"], outer: OwnedSlice): boolean {
  return (
    inner.group === outer.group &&
    inner.start >= outer.start &&
    inner.start + inner.numbers <= outer.start + outer.numbers
  );
}
