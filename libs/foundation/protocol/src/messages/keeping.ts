/** A shard and its buddy, which keeps a copy of its part. */
import { z } from "zod";
import { combinerState, common, count, stateSchema, timeline } from "./parts.ts";

const attachBuddy = z.strictObject({
  type: z.literal("attach-buddy"),
  ...common,
  protocol: z.int(),
  index: count,
});

/** A piece of the sender's part of a recovery point, to be kept; in answer to `point-wanted`, back again. */
const pointSlice = z.strictObject({
  type: z.literal("point-slice"),
  ...common,
  timeline,
  version: count,
  ...stateSchema,
});

/** All of it was sent, in so many pieces. `held`: false in answer to `point-wanted` when there is no such copy. */
const pointEnd = z.strictObject({
  type: z.literal("point-end"),
  ...common,
  timeline,
  version: count,
  pieces: count,
  held: z.boolean(),
  /** Of the leader's part: the combiner's state at that version. */
  combiner: combinerState.optional(),
});

/** To the buddy: send this shard's part of that version back. */
const pointWanted = z.strictObject({ type: z.literal("point-wanted"), ...common, version: count });

export const keepingMessages = [attachBuddy, pointSlice, pointEnd, pointWanted] as const;
