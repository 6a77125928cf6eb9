/** The coordinator and a shard: what the shard holds, where it begins, what of it goes to a disk. */
import { z } from "zod";
import { combinerState, common, count, id, name, stateSchema, timeline } from "./parts.ts";

/**
 * To every shard: who may speak, and for which tasks each worker computes. `since`: the quorum of the last change of
 * that, which the worker's assignment and broadcasts to it name.
 */
const members = z.strictObject({
  type: z.literal("members"),
  ...common,
  quorumId: count,
  workers: z.array(
    z.strictObject({
      workerId: id,
      tasks: z.array(name),
      since: count,
      /** Modes with an order: who computes the same planned step together. */
      team: count.optional(),
    }),
  ),
});

/** From a shard, once it knows the run: what it holds of it. */
const held = z.strictObject({
  type: z.literal("held"),
  ...common,
  index: count,
  /** Absent when it holds no weights of this run. */
  state: z
    .strictObject({
      timeline,
      version: count,
      /** It is in the middle of its steps, and this is only a new connection. */
      running: z.boolean(),
      /** Leader: the oldest step whose record it can still send. */
      recordsFrom: count.optional(),
      /** Nothing further will be committed. */
      over: z.boolean(),
      /** Leader: state of the combiner at that version, when no update follows, or it is in the middle of its steps. */
      combiner: combinerState.optional(),
    })
    .optional(),
});

/**
 * To a shard: where to begin. `initial`: fresh weights; `checkpoint`: the slices came in `restore` messages before this
 * one; `held`: what it has said that it holds; `point`: a recovery point, its own copy or the one that its buddy keeps.
 */
const begin = z.strictObject({
  type: z.literal("begin"),
  ...common,
  timeline,
  step: count,
  from: z.enum(["initial", "checkpoint", "held", "point"]),
  /** Address of the leader shard; absent for the leader itself. */
  leader: z.string().max(500).optional(),
  /** With `point`: address of the shard that keeps this one's copies. */
  buddy: z.string().max(500).optional(),
  /** To the leader, with a checkpoint: the combiner's state that it holds. */
  combiner: combinerState.optional(),
});

const restore = z.strictObject({ type: z.literal("restore"), ...common, ...stateSchema });
const ready = z.strictObject({ type: z.literal("ready"), ...common, index: count, timeline, step: count });

/** To a shard: stream your part of this version, which you hold and train no further. */
const checkpoint = z.strictObject({
  type: z.literal("checkpoint"),
  ...common,
  version: count,
  attempt: z.int().min(1),
});

/**
 * To a shard of this host: when a checkpoint of this version is due, its part may be written there, in place of being
 * sent. `ranges`: where in which file numbers of its part belong; what is in none of them is not stored.
 */
const checkpointPlace = z.strictObject({
  type: z.literal("checkpoint-place"),
  ...common,
  version: count,
  place: id,
  files: z.array(z.string().max(4000)).max(16),
  ranges: z.array(z.strictObject({ ...stateSchema, file: count, position: count })).max(1_000_000),
});

const checkpointSlice = z.strictObject({
  type: z.literal("checkpoint-slice"),
  ...common,
  version: count,
  /** 0: sent because it was due; else that of the `checkpoint` message that asked for it. */
  attempt: count,
  /** The numbers are not here, but written in this place. */
  place: id.optional(),
  ...stateSchema,
});
/** To a shard: one more of its pieces is on the disk, or of no use any more. */
const checkpointTaken = z.strictObject({
  type: z.literal("checkpoint-taken"),
  ...common,
  version: count,
  attempt: count,
});
const checkpointEnd = z.strictObject({
  type: z.literal("checkpoint-end"),
  ...common,
  version: count,
  attempt: count,
  index: count,
});

const points = z.array(count).max(16);

/** From a shard: versions of which it holds its own part in memory, and those of which it keeps another one's copy. */
const pointsHeld = z.strictObject({
  type: z.literal("points"),
  ...common,
  timeline,
  index: count,
  own: points,
  kept: points,
});

/**
 * To every shard: no cut is under way any more. `version`: the newest recovery point that every shard and every buddy
 * holds; older ones serve nobody.
 */
const point = z.strictObject({
  type: z.literal("point"),
  ...common,
  timeline,
  version: count.optional(),
});

/** From a shard that was told to begin at a recovery point: neither it nor its buddy has it. */
const pointLacking = z.strictObject({
  type: z.literal("point-lacking"),
  ...common,
  timeline,
  index: count,
  version: count,
});

export const holdingMessages = [
  members,
  held,
  begin,
  restore,
  ready,
  checkpoint,
  checkpointPlace,
  checkpointSlice,
  checkpointTaken,
  checkpointEnd,
  pointsHeld,
  point,
  pointLacking,
] as const;
