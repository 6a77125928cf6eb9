import { ownership, type ParameterLayout, type Slice } from "@latentweave/parameters";
import { nextCheckpoint, type RunSpec } from "@latentweave/plan";
import type { Channel, CheckpointPlace, MessageOf, RunStore } from "@latentweave/protocol";
import type { Checkpointing } from "./checkpointing.ts";

/**
 * Where shards of this host write their parts of the next checkpoint that is due, in place of sending them: it is begun
 * before its version is made, one at a time.
 */
export interface CheckpointPlaces {
  shardReady(shard: Channel, index: number): void;
  /** The run is at this version. */
  reached(version: number): void;
  /** Everybody goes back: what was told is void. */
  startOver(): void;
}

export function createCheckpointPlaces(options: {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly shards: number;
  readonly sections: readonly string[];
  readonly store: Pick<RunStore, "hasPlaces">;
  readonly checkpointing: Pick<Checkpointing, "prepare">;
  /** The run's. */
  readonly version: () => number;
  /** Shards that are in the middle of their steps. */
  readonly ready: () => readonly (readonly [index: number, channel: Channel])[];
}): CheckpointPlaces {
  const { runId, spec, layout, sections } = options;
  const owned = ownership(layout, options.shards);
  let prepared: { readonly version: number; readonly place?: CheckpointPlace } | undefined;

  const rangesOf = (
    place: CheckpointPlace,
    slices: readonly Slice[],
  ): MessageOf<"checkpoint-place">["ranges"] =>
    sections.flatMap((section) =>
      slices.flatMap((slice) => place.ranges(section, slice).map((range) => ({ ...range, section }))),
    );

  const tell = (channel: Channel, index: number): void => {
    if (!prepared?.place || !channel.local) return;
    const { version, place } = prepared;
    channel.send({
      type: "checkpoint-place",
      ...{ runId, version, place: place.id, files: [...place.files] },
      ranges: rangesOf(place, owned[index] ?? []),
    });
  };

  const reached = (version: number): void => {
    if (options.store.hasPlaces !== true || (prepared && version < prepared.version)) return;
    const next = nextCheckpoint(spec, version);
    if (next === undefined || !options.ready().some(([, { local }]) => local)) return;
    prepared = { version: next };
    options.checkpointing.prepare(next, (place) => {
      if (prepared?.version !== next) return;
      prepared = { version: next, place };
      for (const [index, channel] of options.ready()) tell(channel, index);
    });
  };

  return {
    reached,
    shardReady(channel, index) {
      if (prepared) tell(channel, index);
      else reached(options.version());
    },
    startOver() {
      prepared = undefined;
    },
  };
}
