/** A shard and the leading one. */
import { z } from "zod";
import { basis, common, count, id, name, received, timeline, workSchema } from "./parts.ts";

const attachShard = z.strictObject({
  type: z.literal("attach-shard"),
  ...common,
  protocol: z.int(),
  index: count,
});

/** This shard holds `version` whole. Slice 0: the digests of the parameter blocks it owns, 8 bytes each, in layout order. */
const applied = z.strictObject({
  type: z.literal("applied"),
  ...common,
  timeline,
  index: count,
  version: count,
});

/** All of this shard's slices of `step` are reduced. Slice 0: float64 inner products by block, when asked for. */
const reduced = z.strictObject({
  type: z.literal("reduced"),
  ...common,
  timeline,
  step: count,
  round: count,
  index: count,
  finite: z.boolean(),
  /** Tasks whose gradient is not. */
  odd: z.array(name).optional(),
  /** Modes with an order: then `step` is a planned one. */
  basis: basis.optional(),
  received: z.array(z.strictObject({ task: name, round: count, ...received })),
  /** First block of each row of products in the run's block order; see docs/protocol.md, "Inner products". */
  blocks: z.array(z.strictObject({ group: count, block: count })).max(1_000_000),
});

/**
 * The commit of a step. `weights`: one per task in job order, for shared groups; `scale`: clipping, 1 when none.
 * With `abandon` it is the opposite: the step is given up, the weights stay as they are, and nothing follows.
 */
const decide = z.strictObject({
  type: z.literal("decide"),
  ...common,
  timeline,
  step: count,
  round: count,
  weights: z.array(z.number()),
  scale: z.number(),
  abandon: z.boolean(),
  /** Under a robust rule that weighs a task's slots: what each counts, by task in job order. */
  slots: z.array(z.array(z.number())).optional(),
  /** Tasks whose gradients are left out. */
  paused: z.array(name).optional(),
  /** Write a checkpoint of the version that holds afterwards. */
  checkpoint: z.boolean(),
  /** Publish nothing after this step. */
  last: z.boolean(),
  /** Keep the version that holds afterwards as a recovery point. */
  cut: z.boolean().optional(),
  /** Modes with an order: what is applied. */
  order: workSchema.optional(),
});

/**
 * To every follower, in modes with an order: all that is in hand now, and who computes it. What is not named any more is
 * not to be waited for.
 */
const assign = z.strictObject({
  type: z.literal("assign"),
  ...common,
  timeline,
  work: z.array(workSchema.extend({ workers: z.array(id) })),
});

/** From a follower: the worker lacks weights of a version that is no more. */
const lacking = z.strictObject({
  type: z.literal("lacking"),
  ...common,
  timeline,
  workerId: id,
  work: workSchema,
});

export const leadingMessages = [attachShard, applied, reduced, decide, assign, lacking] as const;
