import { z } from "zod";

/** Raised together with every change that an older peer would misread. It is also the WebSocket subprotocol's number. */
export const protocolVersion = 9;

/** Pieces of a checkpoint that a shard has under way at most: sent, and not answered by `checkpoint-taken`. */
export const mostPiecesUnderWay = 8;

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
  /** `BF16`, `F16`, `I8`: a gradient that the job's codec has encoded; `TOPK`: part of one, the rest comes later. */
  dtype: z.enum(["F32", "F64", "BF16", "F16", "I8", "TOPK"]),
  slice: sliceSchema.optional(),
});

/** XXH64 as 16 hexadecimal digits. */
const digest = z.string().regex(/^[0-9a-f]{16}$/);

/** Tree nodes as they were received: level, index, the worker that sent it, the digest of what it sent. */
const receivedNodes = z.array(z.tuple([count, count, id, digest]));

/** A port of loopback behind which a worker relays for others of its host. */
const port = z.int().min(1).max(65_535);

const timingsSchema = z.record(z.string().max(40), z.number());

/** Every message names its run, so that a process never mixes up two. */
const common = { runId: id };

/**
 * Raised whenever work done before becomes void: after a roll-back. What carries an older one is dropped and counted.
 */
const timeline = count;

/**
 * In the modes `stale` and `async` (docs/protocol.md, "Order"): the version of the weights that a planned step is
 * computed on. Together they say what a contribution is of.
 */
const basis = count;
const workSchema = z.strictObject({ planned: count, basis });

/**
 * Where the run is profiled (docs/profile.md): what the sender spent its time on since its last report. Moments are
 * whole microseconds of the sender's clock.
 */
const profiledSchema = z.strictObject({
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
  listening: z.strictObject({ index: count, port }).optional(),
  /**
   * Workers of another host than the coordinator's: ready to relay for those that share its loopback interface, of
   * which `loopback` is a name.
   */
  relay: z.strictObject({ loopback: z.string().min(1).max(100), port }).optional(),
  /** Workers: see docs/protocol.md, "Admission". */
  determinismClass: z.record(z.string().max(60), z.string().max(500)).optional(),
});

/** `spec` is the JSON text of the RunSpec: the same text, byte for byte, for every process of the run. */
const welcome = z.strictObject({
  type: z.literal("welcome"),
  ...common,
  generation: count,
  /** Tells the run from another of the same name; stays when it is resumed. */
  runKey: z.string().max(200),
  spec: z.string(),
  /** Addresses of the shards in order; a path is relative to the coordinator's address. Empty for shards. */
  shards: z.array(z.string().max(500)),
  /** Where prepared data is read: a directory when on the same host, else a path on the coordinator. */
  data: z.strictObject({ kind: z.enum(["directory", "url"]), at: z.string().max(4000) }),
  /** The run is profiled; what the coordinator's clock shows, and what that of its host showed when it was at zero. */
  profile: z.strictObject({ nowMs: z.number(), zeroMs: z.number() }).optional(),
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
  /** In this share of steps, drawn by key, the worker computes another one's leases as well: digests are compared. */
  audits: z.array(
    z.strictObject({ workerId: id, share: z.number().min(0).max(1), leases: z.array(leaseSchema) }),
  ),
  /**
   * Shards are reached through this worker of the same host, which completes what `workers` send, itself among them.
   */
  relay: z
    .strictObject({
      workerId: id,
      port,
      workers: z.array(z.strictObject({ workerId: id, leases: z.array(leaseSchema) })).max(1_000),
    })
    .optional(),
});

/** Slots of one step that somebody else is late with: computed as well, and whoever answers first is heard. */
const help = z.strictObject({
  type: z.literal("help"),
  ...common,
  timeline,
  step: count,
  leases: z.array(leaseSchema),
});

/** To workers and followers: shards have moved. As in `welcome`; the leader comes first. */
const shards = z.strictObject({
  type: z.literal("shards"),
  ...common,
  addresses: z.array(z.string().max(500)),
});

const workerReport = z.strictObject({
  type: z.literal("worker-report"),
  ...common,
  /** Those that are over since the last report. */
  steps: z
    .array(
      z.strictObject({
        step: count,
        /** Milliseconds by phase of the step. */
        timings: timingsSchema,
        microBatches: count,
        samples: count,
        /** Where the job rounds sums, of some steps: between the exact and the rounded ones. For people alone. */
        cosine: z.number().optional(),
        /** Where the job leaves the codec to whoever sends (`compression: auto`): what this step was sent with. */
        codec: z.enum(["whole", "int8", "topk"]).optional(),
        /** It is another from the next step on: why. */
        chosen: z.string().max(500).optional(),
      }),
    )
    .min(1)
    .max(1_000),
  fetchedBytes: count,
  residentBytes: count,
  profile: profiledSchema.optional(),
});

const leaving = z.strictObject({ type: z.literal("leaving"), ...common, reason: z.string().max(2000) });
/** The sender gives up. Whether the run can do without it, or with its successor, is not for one process to say. */
const failed = z.strictObject({
  type: z.literal("failed"),
  ...common,
  message: z.string().max(20_000),
});
const finish = z.strictObject({ type: z.literal("finish"), ...common, reason: z.string().max(2000) });

// --- coordinator ↔ shard -----------------------------------------------------------------------------------------

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

/** What a combiner remembers from step to step, as JSON text. */
const combinerState = z.string().max(4_000_000);

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

/** One tensor-less range of `parameters` or of an optimiser state (`m`, `v`, ...); bytes are slice 0. */
const stateSchema = { section: name, slice: sliceSchema };
const restore = z.strictObject({ type: z.literal("restore"), ...common, ...stateSchema });
const ready = z.strictObject({ type: z.literal("ready"), ...common, index: count, timeline, step: count });

/** To a shard: stream your part of this version, which you hold and train no further. */
const checkpoint = z.strictObject({
  type: z.literal("checkpoint"),
  ...common,
  version: count,
  attempt: z.int().min(1),
});

const checkpointSlice = z.strictObject({
  type: z.literal("checkpoint-slice"),
  ...common,
  version: count,
  /** 0: sent because it was due; else that of the `checkpoint` message that asked for it. */
  attempt: count,
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

/** To the leader: commit nothing further; keep the weights as they are in a checkpoint. */
const stop = z.strictObject({ type: z.literal("stop"), ...common, reason: z.string().max(2000) });

/**
 * What one shard received of a task: contributions by whom they are of, and where a relay has added several of them up
 * (docs/protocol.md, "Relays") the sums that came in their place.
 */
const received = { nodes: receivedNodes, sums: receivedNodes.optional() };

const taskRecord = z.strictObject({
  task: name,
  round: count,
  slots: count,
  samples: count,
  /** What each shard received; followers take part in rounds that update alone. */
  shards: z.array(z.strictObject({ index: count, ...received })),
  /** Of a task that is paused, and of evaluations: those that are finite. */
  metrics: z.record(z.string().max(200), z.number()),
});

/** A task whose numbers were not finite changes nothing from `since` on, until it is tried again; null: to the end. */
const pausedTask = z.strictObject({
  task: name,
  since: count,
  until: count.nullable(),
  why: z.string().max(500),
});

/** From the leader: step `step` is committed; the weights are now version `version`. */
const committed = z.strictObject({
  type: z.literal("committed"),
  ...common,
  timeline,
  step: count,
  version: count,
  tasks: z.array(taskRecord),
  learningRate: z.number(),
  gradientNorm: z.number().nullable(),
  /**
   * Of some steps, for people and reports: the norms of the tasks' gradients of the shared parameters in job order, and
   * the cosines between tasks i < j, by i, then j; null where the two have no parameter in common.
   */
  gradients: z
    .strictObject({ norms: z.array(z.number()), cosines: z.array(z.number().nullable()) })
    .optional(),
  /**
   * What the do-no-harm guard decided by the losses of this step's evaluation, with which the step itself is made already:
   * by which share of its baseline's loss a task was harmed, and what its weight is multiplied with from now on.
   */
  guard: z
    .array(
      z.strictObject({
        task: name,
        action: z.enum(["branch", "detach", "reweight"]),
        harm: z.number(),
        factor: z.number(),
      }),
    )
    .optional(),
  duplicates: count,
  /** Tasks whose contributions are recorded and were not applied, in job order. */
  paused: z.array(pausedTask).optional(),
  timings: timingsSchema,
  /** Version digest of the weights that the step was computed on (docs/protocol.md, "Digests"). */
  digest: z.string().max(64),
  /** True when no further step follows. */
  last: z.boolean(),
  /**
   * Modes with an order: what was applied, and what was given up since the commit before, to be computed again: `stale`
   * (it would have come too late), `lost` (with whoever had it), `unfit` (not finite).
   */
  order: workSchema
    .extend({
      givenUp: z.array(workSchema.extend({ why: z.enum(["stale", "lost", "unfit"]) })),
    })
    .optional(),
  /** State of the combiner after this step, when a checkpoint of the version follows or no step does. */
  combiner: combinerState.optional(),
});

/** From the leader: slots of the step in progress are overdue, in the numbering of leases. */
const late = z.strictObject({
  type: z.literal("late"),
  ...common,
  timeline,
  step: count,
  missing: z.array(leaseSchema),
});

/** From a shard: two workers sent different bits for the same node of the same step. */
const suspect = z.strictObject({
  type: z.literal("suspect"),
  ...common,
  timeline,
  step: count,
  round: count,
  task: name,
  node: nodeSchema,
  workers: z.tuple([id, id]),
});

/** From the leader: the step must not be committed as it is, and waits for the coordinator's word. */
const unfit = z.strictObject({
  type: z.literal("unfit"),
  ...common,
  timeline,
  step: count,
  reason: z.string().max(2000),
  tasks: z.array(
    z.strictObject({
      task: name,
      round: count,
      shards: z.array(z.strictObject({ index: count, ...received })),
    }),
  ),
  /** Whose numbers these are, where the job has such tasks paused; absent where the step cannot do without them. */
  pausable: z.array(name).optional(),
});

/** To the leader: the numbers are the tasks' own doing, whoever computes them; the step is committed without these tasks. */
const pause = z.strictObject({ type: z.literal("pause"), ...common, timeline, step: count });

/** From the leader, in answer to `stop`: nothing further is committed; a checkpoint of this version follows. */
const stopped = z.strictObject({
  type: z.literal("stopped"),
  ...common,
  version: count,
  reason: z.string().max(2000),
  /** State of the combiner at this version; absent when its checkpoint was made already. */
  combiner: combinerState.optional(),
});
const committedAck = z.strictObject({ type: z.literal("committed-ack"), ...common, timeline, step: count });

/** From the leader: every shard holds this version. `digest`: of its parameters, see docs/protocol.md. */
const settled = z.strictObject({
  type: z.literal("settled"),
  ...common,
  timeline,
  version: count,
  digest: z.string().max(64),
});

/** From a shard: it lacks the gradients of a step that is decided, and nobody has sent them for long. */
const orphaned = z.strictObject({
  type: z.literal("orphaned"),
  ...common,
  timeline,
  index: count,
  step: count,
});

const shardReport = z.strictObject({
  type: z.literal("shard-report"),
  ...common,
  index: count,
  /** Those that were made here since the last report. */
  steps: z
    .array(
      z.strictObject({
        step: count,
        timings: timingsSchema,
        /** Of gradients that came and weights that left since the step before. */
        pushedBytes: count,
        broadcastBytes: count,
        /** Where the job rounds what a step changes, of some steps: between the exact and the rounded change. */
        cosine: z.number().optional(),
        /** Where the job leaves the codec to whoever sends (`compression: auto`): what this step was sent with. */
        codec: z.enum(["whole", "int8", "topk"]).optional(),
        /** It is another from the next step on: why. */
        chosen: z.string().max(500).optional(),
      }),
    )
    .min(1)
    .max(1_000),
  receivedBytes: count,
  sentBytes: count,
  residentBytes: count,
  profile: profiledSchema.optional(),
});

// --- worker ↔ shard ----------------------------------------------------------------------------------------------

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
  payloads: z.array(payloadSchema).max(4096),
  /**
   * From a relay: what the sum is made of, by whom. Without payloads: what came besides, of nodes that were sent before.
   */
  parts: receivedNodes.min(1).max(100_000).optional(),
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
    .max(4096),
  /** To a relay: for whom it is, and by which membership. A place that is named for the first time gets everything anew. */
  behind: z
    .array(z.strictObject({ place: count, quorumId: count }))
    .max(1_000)
    .optional(),
});

// --- shard ↔ leader shard ----------------------------------------------------------------------------------------

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

// --- shard ↔ its buddy -------------------------------------------------------------------------------------------

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

const messageSchema = z.discriminatedUnion("type", [
  hello,
  welcome,
  canary,
  assignment,
  help,
  shards,
  workerReport,
  leaving,
  failed,
  finish,
  members,
  held,
  begin,
  restore,
  ready,
  checkpoint,
  checkpointSlice,
  checkpointTaken,
  checkpointEnd,
  pointsHeld,
  point,
  pointLacking,
  stop,
  committed,
  late,
  suspect,
  unfit,
  pause,
  stopped,
  committedAck,
  settled,
  orphaned,
  shardReport,
  attach,
  weights,
  weightsMapped,
  push,
  broadcast,
  attachShard,
  applied,
  reduced,
  decide,
  assign,
  lacking,
  attachBuddy,
  pointSlice,
  pointEnd,
  pointWanted,
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageOf<Type extends Message["type"]> = Extract<Message, { type: Type }>;
export type Lease = z.infer<typeof leaseSchema>;
export type PayloadHeader = z.infer<typeof payloadSchema>;
export type PausedTask = z.infer<typeof pausedTask>;
export type TaskRecord = z.infer<typeof taskRecord>;
/** A planned step, and the version that it is computed on. */
export type Work = z.infer<typeof workSchema>;
export type ReceivedNodes = z.infer<typeof receivedNodes>;
export type Profiled = z.infer<typeof profiledSchema>;
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
