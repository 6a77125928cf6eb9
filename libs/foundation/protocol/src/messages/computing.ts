/** A worker and a shard. */
import { z } from "zod";
import { maxSlices } from "../frame.ts";
import {
  basis,
  common,
  count,
  dealSchema,
  id,
  name,
  nodeSchema,
  payloadSchema,
  receivedNodes,
  sliceSchema,
  timeline,
  workSchema,
} from "./parts.ts";

const attach = z.strictObject({
  type: z.literal("attach"),
  ...common,
  protocol: z.int(),
  workerId: id,
  /** Modes with an order: what this shard's part of the weights on the worker's device is for. */
  holds: workSchema.extend({ timeline }).optional(),
  /** The sender relays for these: all that is known of it now. `place`: of the attachment, never used for another one. */
  behind: z
    .array(z.strictObject({ workerId: id, place: count }))
    .max(1_000)
    .optional(),
});

/**
 * Where the shard's newest two versions lie, for a worker of its host that maps them: version v at `at[v & 1]`, from the
 * file's beginning. At `writingAt` is an i64: the version that is being written, or the newest; while it is not above
 * v + 1, version v is whole. Said before the attachment's first broadcast.
 */
const weights = z.strictObject({
  type: z.literal("weights"),
  ...common,
  index: count,
  file: z.string().max(300),
  writingAt: count,
  slices: z.array(sliceSchema.extend({ at: z.tuple([count, count]) })).max(100_000),
});

/** The worker has mapped the weights of all shards: their bytes need not be sent on this attachment. */
const weightsMapped = z.strictObject({
  type: z.literal("weights-mapped"),
  ...common,
  index: count,
});

/**
 * The sender's part of a partial: the sum of the contributions under `node`. Identified by (run, timeline, step, round,
 * task, node, slice); `quorumId` only says by which membership the sender may speak.
 */
const push = z.strictObject({
  type: z.literal("push"),
  ...common,
  timeline,
  step: count,
  round: count,
  quorumId: count,
  task: name,
  node: nodeSchema,
  /** Modes with an order: then `step` is a planned one. */
  basis: basis.optional(),
  payloads: z.array(payloadSchema).max(maxSlices),
  /**
   * The contribution has `of` payloads, of which these are the ones from `from` on: what an `ask` was for, or as many as
   * `portionBytes` says. They come in order, each once; with the last the contribution is whole.
   */
  portion: z.strictObject({ from: count, of: z.int().min(1).max(maxSlices) }).optional(),
  /**
   * From a relay: what the sum is made of, by whom. Without payloads: what came besides, of nodes that were sent before.
   */
  parts: receivedNodes.min(1).max(100_000).optional(),
});

/** What a contribution is of; see `push`. */
const contribution = { timeline, step: count, round: count, task: name, node: nodeSchema };

/** The sender has this contribution, and keeps it until it is asked for (docs/protocol.md, "Offers"). */
const offer = z.strictObject({
  type: z.literal("offer"),
  ...common,
  ...contribution,
  quorumId: count,
  /** It has it no more: the step is over for it, or the node has become part of another. */
  withdrawn: z.literal(true).optional(),
});

/** The payloads from `from` to before `to` of a contribution that was offered; of those that are there. */
const ask = z.strictObject({
  type: z.literal("ask"),
  ...common,
  ...contribution,
  from: count,
  to: z.int().min(1),
});

/** Weights for computing `step`, from `round` on; what is not listed has not changed since the worker last got it. */
const broadcast = z.strictObject({
  type: z.literal("broadcast"),
  ...common,
  timeline,
  step: count,
  round: count,
  quorumId: count,
  index: count,
  /** Modes with an order: the weights are those of this version, to compute planned step `step` on. */
  basis: basis.optional(),
  /** From the leader, where sampling is adaptive: what each task has of the step. */
  deal: dealSchema.optional(),
  /**
   * With `from`, the bytes are an encoded change, to be added to what the worker was sent of this slice before, on this
   * attachment: its numbers as version `from` made them.
   */
  slices: z
    .array(
      sliceSchema.extend({
        from: count.optional(),
        /** Of a change that is not the whole change: what it is encoded with. */
        codec: z.enum(["int8", "topk"]).optional(),
      }),
    )
    .max(maxSlices),
  /** A contribution of more bytes is sent in portions of about as many. */
  portionBytes: z.int().min(1).optional(),
  /** Many push to this shard: a contribution of more bytes is offered, and sent as it is asked for. */
  offersOver: count.optional(),
  /** To a relay: for whom it is, and by which membership. A place that is named for the first time gets everything anew. */
  behind: z
    .array(z.strictObject({ place: count, quorumId: count }))
    .max(1_000)
    .optional(),
});

export const computingMessages = [attach, weights, weightsMapped, push, offer, ask, broadcast] as const;
