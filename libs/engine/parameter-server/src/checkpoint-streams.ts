import type { Channel, MessageOf } from "@latentweave/protocol";
import { type CheckpointStream, partsOf, streamCheckpoint } from "./checkpoint-stream.ts";
import type { OwnedState } from "./owned-state.ts";
import { createPartMemory } from "./part-memory.ts";
import { type Place, placeCheckpoint } from "./placed-checkpoint.ts";
import type { ShardOptions } from "./shard-options.ts";

/** The checkpoints that are on their way to the coordinator, and the one that it has asked for. */
export interface CheckpointStreams {
  /** The coordinator wants one, perhaps of a version that is still to be made. @param state absent: it is not made here */
  asked(message: MessageOf<"checkpoint">, state: OwnedState | undefined): void;
  /** The newest version is one of which there is a checkpoint. */
  due(state: OwnedState): void;
  /** The coming version of which there is a checkpoint may be written there. */
  placed(message: MessageOf<"checkpoint-place">): void;
  taken(message: MessageOf<"checkpoint-taken">): void;
  /** What was sent was sent in vain. */
  stop(): void;
  /** Everybody is sent back: what was asked for is void as well. */
  startOver(): void;
}

const nameOf = ({ version, attempt }: { version: number; attempt: number }): string =>
  `${version}/${attempt}`;

export function createCheckpointStreams(
  options: Pick<ShardOptions, "runId" | "index" | "probe" | "checkpointFiles" | "log"> & {
    readonly coordinator: () => Channel | undefined;
    readonly onFailed: (error: unknown) => void;
  },
): CheckpointStreams {
  const { runId, index, probe, checkpointFiles: files } = options;
  const memory = createPartMemory();
  let place: Place | undefined;
  /** The newest that is written in place: what is made later is told of later, however it gets there. */
  let placing: Promise<void> | undefined;
  let beingPlaced = 0;
  /** By version and attempt. */
  const streams = new Map<string, CheckpointStream>();
  let streamedVersion: number | undefined;
  let wanted: MessageOf<"checkpoint"> | undefined;

  const stream = (state: OwnedState, attempt: number): void => {
    streamedVersion = state.version;
    const channel = options.coordinator();
    if (!channel) return;
    const { version } = state;
    const name = nameOf({ version, attempt });
    const common = {
      ...{ runId, index, channel },
      ...(probe && { onFirstPiece: () => probe("mid-checkpoint", version) }),
    };
    const here = attempt === 0 && place?.version === version ? place : undefined;
    const placed = here && files && { place: here, files, ...memory.copy(state) };
    const stream = placed
      ? placeCheckpoint({
          ...{ ...common, ...placed, after: placing },
          onRefused: (error) =>
            options.log(`shard ${index} sends its part of checkpoint ${version}: ${textOf(error)}`),
        })
      : streamCheckpoint({ ...common, version, attempt, after: placing, parts: partsOf(state, state.copy) });
    if (placed) {
      placing = stream.over.catch(() => undefined);
      placed.files.hurry((beingPlaced += 1) > 1);
    }
    streams.set(name, stream);
    const forget = (): void => {
      if (placed) {
        placed.free();
        placed.files.hurry((beingPlaced -= 1) > 1);
      }
      if (streams.get(name) === stream) streams.delete(name);
    };
    stream.over.then(forget, options.onFailed);
  };
  const stop = (): void => {
    for (const stream of streams.values()) stream.stop();
    streams.clear();
  };
  return {
    asked(message, state) {
      wanted = message;
      if (state?.version === message.version) stream(state, message.attempt);
    },
    due(state) {
      // A stop may fall on a version whose checkpoint is on its way already.
      if (streamedVersion === state.version) return;
      stream(state, wanted?.version === state.version ? wanted.attempt : 0);
    },
    placed(message) {
      if (!place && files)
        options.log(`shard ${index} writes its parts of checkpoints into the run's folder`);
      place = message;
    },
    taken: (message) => streams.get(nameOf(message))?.taken(),
    stop,
    startOver() {
      stop();
      streamedVersion = undefined;
      wanted = undefined;
      place = undefined;
    },
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
