import type { Channel, MessageOf } from "@latentweave/protocol";
import { type CheckpointStream, streamCheckpoint } from "./checkpoint-stream.ts";
import type { OwnedState } from "./owned-state.ts";
import type { ShardOptions } from "./shard-options.ts";

/** The checkpoints that are on their way to the coordinator, and the one that it has asked for. */
export interface CheckpointStreams {
  /** The coordinator wants one, perhaps of a version that is still to be made. @param state absent: it is not made here */
  asked(message: MessageOf<"checkpoint">, state: OwnedState | undefined): void;
  /** The newest version is one of which there is a checkpoint. */
  due(state: OwnedState): void;
  taken(message: MessageOf<"checkpoint-taken">): void;
  /** What was sent was sent in vain. */
  stop(): void;
  /** Everybody is sent back: what was asked for is void as well. */
  startOver(): void;
}

const nameOf = ({ version, attempt }: { version: number; attempt: number }): string =>
  `${version}/${attempt}`;

export function createCheckpointStreams(
  options: Pick<ShardOptions, "runId" | "index" | "probe"> & {
    readonly coordinator: () => Channel | undefined;
    readonly onFailed: (error: unknown) => void;
  },
): CheckpointStreams {
  const { runId, index, probe } = options;
  /** By version and attempt. */
  const streams = new Map<string, CheckpointStream>();
  let streamedVersion: number | undefined;
  let wanted: MessageOf<"checkpoint"> | undefined;

  const stream = (state: OwnedState, attempt: number): void => {
    streamedVersion = state.version;
    const channel = options.coordinator();
    if (!channel) return;
    const name = nameOf({ version: state.version, attempt });
    const stream = streamCheckpoint({
      ...{ runId, index, channel, state, attempt },
      ...(probe && { onFirstPiece: () => probe("mid-checkpoint", state.version) }),
    });
    streams.set(name, stream);
    const forget = (): void => {
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
    taken: (message) => streams.get(nameOf(message))?.taken(),
    stop,
    startOver() {
      stop();
      streamedVersion = undefined;
      wanted = undefined;
    },
  };
}
