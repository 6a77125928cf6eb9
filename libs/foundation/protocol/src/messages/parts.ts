/** What fields of several messages are made of. */
import { z } from "zod";

export const count = z.int().min(0);
export const name = z.string().min(1).max(200);
export const id = z.string().min(1).max(200);

export const nodeSchema = z.strictObject({ level: z.int().min(0).max(31), index: count });
export const leaseSchema = z.strictObject({ task: name, start: count, end: count });

/** A contiguous range of a parameter group's numbers, in whole blocks. */
export const sliceSchema = z.strictObject({ group: count, start: count, numbers: z.int().min(1) });

/**
 * One named payload of a contribution; its bytes are the message's binary slice of the same position.
 * `sum`: added along the tree (float32 gradients by slice, float64 metrics); `keep`: kept apart per micro-batch.
 */
export const payloadSchema = z.strictObject({
  name,
  reduce: z.enum(["sum", "keep"]),
  /** `BF16`, `F16`, `I8`: a gradient that the job's codec has encoded; `TOPK`: part of one, the rest comes later. */
  dtype: z.enum(["F32", "F64", "BF16", "F16", "I8", "TOPK"]),
  slice: sliceSchema.optional(),
});

/** XXH3 of 64 bits as 16 hexadecimal digits. */
export const digest = z.string().regex(/^[0-9a-f]{16}$/);

/** Tree nodes as they were received: level, index, the worker that sent it, the digest of what it sent. */
export const receivedNodes = z.array(z.tuple([count, count, id, digest]));

/** A port of loopback behind which a worker relays for others of its host. */
export const port = z.int().min(1).max(65_535);

export const timingsSchema = z.record(z.string().max(40), z.number());

/** Every message names its run, so that a process never mixes up two. */
export const common = { runId: id };

/**
 * Raised whenever work done before becomes void: after a roll-back. What carries an older one is dropped and counted.
 */
export const timeline = count;

/**
 * In the modes `stale` and `async` (docs/protocol.md, "Order"): the version of the weights that a planned step is
 * computed on. Together they say what a contribution is of.
 */
export const basis = count;
export const workSchema = z.strictObject({ planned: count, basis });

/**
 * Where the run is profiled (docs/profile.md): what the sender spent its time on since its last report. Moments are
 * whole microseconds of the sender's clock.
 */
export const profiledSchema = z.strictObject({
  pid: count,
  host: z.string().max(300),
  /** The same for all processes that share a clock, which then differ by their `zeroMs` and nothing else. */
  clock: z.string().max(100),
  /** What that clock showed when the sender's own was at zero. */
  zeroMs: z.number(),
  /** The sender's clock when this was sent. */
  sentMs: z.number(),
  /** The newest word of the clock of the coordinator's host, and the sender's own when it came. */
  heard: z.tuple([z.number(), z.number()]),
  names: z.array(id).max(10_000),
  /** Six numbers each: see docs/protocol.md, "Profile". */
  spans: z.array(z.number()).max(60_000),
  /** Spans that there was no room for. */
  lost: count,
});

/**
 * Where sampling follows losses: what each task has of a step, by task in job order, from step `from` on. `read`: the rows
 * that each of a task's slots has read before it.
 */
export const dealSchema = z.strictObject({
  from: count,
  /** Of all samples; they add up to 1. */
  shares: z.array(z.number()),
  /** Of a micro-batch. */
  rows: z.array(z.int().min(1)),
  read: z.array(count),
});

/** What a combiner remembers from step to step, as JSON text. */
export const combinerState = z.string().max(4_000_000);

/** One tensor-less range of `parameters` or of an optimiser state (`m`, `v`, ...); bytes are slice 0. */
export const stateSchema = { section: name, slice: sliceSchema };

/**
 * What one shard received of a task: contributions by whom they are of, and where a relay has added several of them up
 * (docs/protocol.md, "Relays") the sums that came in their place.
 */
export const received = { nodes: receivedNodes, sums: receivedNodes.optional() };
