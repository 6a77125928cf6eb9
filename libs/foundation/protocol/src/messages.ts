import { z } from "zod";

/** Raised together with every change that an older peer would misread. It is also the WebSocket subprotocol's number. */
export const protocolVersion = 1;

const count = z.int().min(0);
const name = z.string().min(1).max(200);
const id = z.string().min(1).max(200);

const nodeSchema = z.strictObject({ level: z.int().min(0).max(31), index: count });
const leaseSchema = z.strictObject({ task: name, start: count, end: count });

/** A contiguous range of a parameter group's numbers, in whole blocks. */
const sliceSchema = z.strictObject({ group: count, start: count, numbers: z.int().min(1) });

/**
 * One named payload of a contribution; its bytes are the message's binary slice of the same position.
 * `sum`: added along the tree (float32 gradients by slice, float64 metrics); `keep`: kept apart per micro-batch.
 */
const payloadSchema = z.strictObject({
  name,
  reduce: z.enum(["sum", "keep"]),
  dtype: z.enum(["F32", "F64"]),
  slice: sliceSchema.optional(),
});

const timingsSchema = z.record(z.string().max(40), z.number());

/** Every message names its run, so that a process never mixes up two. */
const common = { runId: id };

// --- any process → coordinator, once per connection --------------------------------------------------------------

const hello = z.strictObject({
  type: z.literal("hello"),
  ...common,
  protocol: z.int(),
  role: z.enum(["worker", "shard"]),
  /** Stable across reconnects: `workerId`, or `shard-K`. */
  id,
  host: z.string().max(300),
  pid: count,
  software: z.string().max(100),
  /** Shards: where they listen, reachable from the coordinator's host. */
  listening: z.strictObject({ index: count, port: z.int().min(1).max(65_535) }).optional(),
  /** Workers: see docs/protocol.md, "Admission". */
  determinismClass: z.record(z.string().max(60), z.string().max(500)).optional(),
  /** Last version this process holds, for a coordinator that has just been restarted. */
  version: count.optional(),
});

/** `spec` is the JSON text of the RunSpec: the same text, byte for byte, for every process of the run. */
const welcome = z.strictObject({
  type: z.literal("welcome"),
  ...common,
  generation: count,
  spec: z.string(),
  /** Addresses of the shards in order; a path is relative to the coordinator's address. Empty for shards. */
  shards: z.array(z.string().max(500)),
  /** Where prepared data is read: a directory when on the same host, else a path on the coordinator. */
  data: z.strictObject({ kind: z.enum(["directory", "url"]), at: z.string().max(4000) }),
});

// --- coordinator ↔ worker ----------------------------------------------------------------------------------------

const canary = z.strictObject({ type: z.literal("canary"), ...common, digest: z.string().max(128) });

const assignment = z.strictObject({
  type: z.literal("assignment"),
  ...common,
  quorumId: count,
  rank: count,
  worldSize: z.int().min(1),
  leases: z.array(leaseSchema),
});

const workerReport = z.strictObject({
  type: z.literal("worker-report"),
  ...common,
  step: count,
  /** Milliseconds by phase of the step. */
  timings: timingsSchema,
  microBatches: count,
  samples: count,
  fetchedBytes: count,
  residentBytes: count,
});

const leaving = z.strictObject({ type: z.literal("leaving"), ...common, reason: z.string().max(2000) });
const failed = z.strictObject({
  type: z.literal("failed"),
  ...common,
  /** True when no other process could do better: the run fails. False: only this process gives up. */
  run: z.boolean(),
  message: z.string().max(20_000),
});
const finish = z.strictObject({ type: z.literal("finish"), ...common, reason: z.string().max(2000) });

// --- coordinator ↔ shard -----------------------------------------------------------------------------------------

/** To every shard: who may speak, and for which tasks each worker computes. */
const members = z.strictObject({
  type: z.literal("members"),
  ...common,
  quorumId: count,
  workers: z.array(z.strictObject({ workerId: id, tasks: z.array(name) })),
});

/** What a combiner remembers from step to step, as JSON text. */
const combinerState = z.string().max(4_000_000);

/** To every shard, once: where to begin. With `restore` the slices follow in `restore` messages. */
const begin = z.strictObject({
  type: z.literal("begin"),
  ...common,
  step: count,
  restore: z.boolean(),
  /** Address of the leader shard; absent for the leader itself. */
  leader: z.string().max(500).optional(),
  /** To the leader, with `restore`: the combiner's state that the checkpoint holds. */
  combiner: combinerState.optional(),
});

/** One tensor-less range of `parameters` or of an optimiser state (`m`, `v`, ...); bytes are slice 0. */
const stateSchema = { section: name, slice: sliceSchema };
const restore = z.strictObject({ type: z.literal("restore"), ...common, ...stateSchema });
const ready = z.strictObject({ type: z.literal("ready"), ...common, index: count, step: count });

const checkpointSlice = z.strictObject({
  type: z.literal("checkpoint-slice"),
  ...common,
  version: count,
  ...stateSchema,
});
const checkpointEnd = z.strictObject({
  type: z.literal("checkpoint-end"),
  ...common,
  version: count,
  index: count,
});

/** To the leader: commit nothing further; keep the weights as they are in a checkpoint. */
const stop = z.strictObject({ type: z.literal("stop"), ...common, reason: z.string().max(2000) });

const taskRecord = z.strictObject({
  task: name,
  round: count,
  slots: count,
  samples: count,
  /** Tree nodes as they arrived: level, index, the worker that sent it. */
  nodes: z.array(z.tuple([z.int().min(0), count, id])),
  metrics: z.record(z.string().max(200), z.number()),
});

/** From the leader: step `step` is committed; the weights are now version `version`. */
const committed = z.strictObject({
  type: z.literal("committed"),
  ...common,
  step: count,
  version: count,
  tasks: z.array(taskRecord),
  learningRate: z.number(),
  gradientNorm: z.number().nullable(),
  duplicates: count,
  timings: timingsSchema,
  /** True when no further step follows. */
  last: z.boolean(),
  /** State of the combiner after this step, when a checkpoint of the version follows. */
  combiner: combinerState.optional(),
});

/** From the leader, in answer to `stop`: nothing further is committed; a checkpoint of this version follows. */
const stopped = z.strictObject({
  type: z.literal("stopped"),
  ...common,
  version: count,
  reason: z.string().max(2000),
  /** State of the combiner at this version; absent when its checkpoint was made already. */
  combiner: combinerState.optional(),
});
const committedAck = z.strictObject({ type: z.literal("committed-ack"), ...common, step: count });

const shardReport = z.strictObject({
  type: z.literal("shard-report"),
  ...common,
  index: count,
  step: count,
  timings: timingsSchema,
  receivedBytes: count,
  sentBytes: count,
  residentBytes: count,
});

// --- worker ↔ shard ----------------------------------------------------------------------------------------------

const attach = z.strictObject({ type: z.literal("attach"), ...common, protocol: z.int(), workerId: id });

/**
 * The sender's part of a partial: the sum of the contributions under `node`. Identified by (run, step, round, task,
 * node, slice); `quorumId` only says by which membership the sender may speak.
 */
const push = z.strictObject({
  type: z.literal("push"),
  ...common,
  step: count,
  round: count,
  quorumId: count,
  task: name,
  node: nodeSchema,
  payloads: z.array(payloadSchema).max(4096),
});

/** Weights for computing `step`, from `round` on; what is not listed has not changed since the worker last got it. */
const broadcast = z.strictObject({
  type: z.literal("broadcast"),
  ...common,
  step: count,
  round: count,
  quorumId: count,
  index: count,
  slices: z.array(sliceSchema).max(4096),
});

// --- shard ↔ leader shard ----------------------------------------------------------------------------------------

const attachShard = z.strictObject({
  type: z.literal("attach-shard"),
  ...common,
  protocol: z.int(),
  index: count,
});

/** All of this shard's slices of `step` are reduced. Slice 0: float64 inner products by block, when asked for. */
const reduced = z.strictObject({
  type: z.literal("reduced"),
  ...common,
  step: count,
  round: count,
  index: count,
  finite: z.boolean(),
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
  step: count,
  round: count,
  weights: z.array(z.number()),
  scale: z.number(),
  abandon: z.boolean(),
  /** Write a checkpoint of the version that holds afterwards. */
  checkpoint: z.boolean(),
  /** Publish nothing after this step. */
  last: z.boolean(),
});

const messageSchema = z.discriminatedUnion("type", [
  hello,
  welcome,
  canary,
  assignment,
  workerReport,
  leaving,
  failed,
  finish,
  members,
  begin,
  restore,
  ready,
  checkpointSlice,
  checkpointEnd,
  stop,
  committed,
  stopped,
  committedAck,
  shardReport,
  attach,
  push,
  broadcast,
  attachShard,
  reduced,
  decide,
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageOf<Type extends Message["type"]> = Extract<Message, { type: Type }>;
export type Lease = z.infer<typeof leaseSchema>;
export type PayloadHeader = z.infer<typeof payloadSchema>;
export type TaskRecord = z.infer<typeof taskRecord>;
export type Timings = z.infer<typeof timingsSchema>;

/** A peer sent what this protocol does not know; the connection is closed with 4000. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** @throws ProtocolError naming the message's type, the field and what was expected. */
export function parseMessage(value: unknown): Message {
  const result = messageSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const type =
    typeof value === "object" && value !== null && "type" in value ? String(value.type).slice(0, 40) : "?";
  throw new ProtocolError(
    `message "${type}", field "${issue?.path.join(".") ?? ""}": ${issue?.message ?? "invalid"}`,
  );
}
