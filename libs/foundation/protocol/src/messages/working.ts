/** The coordinator and a worker. */
import { z } from "zod";
import { common, count, id, leaseSchema, port, profiledSchema, timeline, timingsSchema } from "./parts.ts";

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

export const workingMessages = [
  canary,
  assignment,
  help,
  shards,
  workerReport,
  leaving,
  failed,
  finish,
] as const;
