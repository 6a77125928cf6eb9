/** The coordinator and a shard: what became of each step. */
import { z } from "zod";
import {
  combinerState,
  common,
  count,
  dealSchema,
  id,
  leaseSchema,
  name,
  nodeSchema,
  profiledSchema,
  received,
  timeline,
  timingsSchema,
  workSchema,
} from "./parts.ts";

/** To the leader: commit nothing further; keep the weights as they are in a checkpoint. */
const stop = z.strictObject({ type: z.literal("stop"), ...common, reason: z.string().max(2000) });

export const taskRecord = z.strictObject({
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
export const pausedTask = z.strictObject({
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
  /** Adaptive sampling: what follows from this step's evaluation. */
  deal: dealSchema.optional(),
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

export const committingMessages = [
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
] as const;
