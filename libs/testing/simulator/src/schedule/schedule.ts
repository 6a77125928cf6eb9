import { z } from "zod";
import { compressionNames, jobNames } from "../cluster/tiny-jobs.ts";

const ms = z.number().min(0).max(3_600_000);
const step = z.int().min(0).max(1_000_000);
const processName = z.string().regex(/^(coordinator|shard-\d+|worker-\d+)$/);

/**
 * When a fault strikes: at a virtual time; after so many events of the whole run; some time after a step's commit was told; or at the very moment when a
 * process is about to send its first message of a type in or after a step, or passes a named moment of its engine.
 */
const when = z.union([
  z.strictObject({ atMs: ms }),
  z.strictObject({ atEvent: z.int().min(0) }),
  z.strictObject({ atStep: step, afterMs: ms }),
  z.strictObject({ atStep: step, by: processName, sends: z.string() }),
  z.strictObject({ atStep: step, by: processName, moment: z.string() }),
]);

const fault = z.discriminatedUnion("what", [
  /** `kill -9`; started again after `downMs`. */
  z.strictObject({ what: z.literal("kill"), when, who: processName, downMs: ms }),
  /** The host loses its power: nobody is told, and what was not synced may be gone. */
  z.strictObject({ what: z.literal("power-cut"), when, who: processName, downMs: ms }),
  z.strictObject({ what: z.literal("kill-all"), when, power: z.boolean(), downMs: ms }),
  /** SIGSTOP and SIGCONT. */
  z.strictObject({ what: z.literal("pause"), when, who: processName, forMs: ms }),
  z.strictObject({ what: z.literal("slow"), when, who: processName, factor: z.number().min(1), forMs: ms }),
  z.strictObject({ what: z.literal("join"), when, who: processName }),
  /** SIGTERM: finishes what is in hand, says goodbye; comes back after `downMs`. */
  z.strictObject({ what: z.literal("leave"), when, who: processName, downMs: ms }),
  /** A second process under the identity of one that still runs. */
  z.strictObject({ what: z.literal("rejoin"), when, who: processName }),
  z.strictObject({ what: z.literal("cut"), when, a: processName, b: processName }),
  z.strictObject({ what: z.literal("half-open"), when, hears: processName, deaf: processName }),
  z.strictObject({ what: z.literal("partition"), when, a: processName, b: processName, forMs: ms }),
  /** One process is cut off from all others. */
  z.strictObject({ what: z.literal("isolate"), when, who: processName, forMs: ms }),
  z.strictObject({
    what: z.literal("slow-link"),
    when,
    a: processName,
    b: processName,
    extraMs: ms,
    bytesPerMs: z.number().positive(),
    forMs: ms,
  }),
  z.strictObject({ what: z.literal("disk-full"), when, forMs: ms }),
  z.strictObject({ what: z.literal("disk-slow"), when, extraMs: ms, forMs: ms }),
  /** One bit of a checkpoint file changes. */
  z.strictObject({ what: z.literal("flip"), when }),
  /** The coordinator's wall clock jumps; its monotonic one does not. */
  z.strictObject({ what: z.literal("clock-jump"), when, byMs: z.number() }),
  /** Ctrl-C: the run ends after a checkpoint and is resumed after `downMs`. */
  z.strictObject({ what: z.literal("stop"), when, downMs: ms }),
]);

export const scheduleSchema = z.strictObject({
  /** Draws delays, what survives of a cut and of a power cut. */
  seed: z.int().min(0),
  job: z.enum(jobNames),
  steps: z.int().min(1).max(100_000),
  workers: z.int().min(1).max(64),
  shards: z.int().min(1).max(16),
  /** Whether every message goes through the codec and its checks. */
  codec: z.boolean(),
  /** Default: nothing is rounded. */
  compression: z.enum(compressionNames).optional(),
  /** Workers are on so many hosts, and one of each speaks for all of it; default: each is on its own. */
  hosts: z.int().min(1).max(16).optional(),
  /** Every contribution is offered, and asked for slice by slice, as if many sent large ones; default: none is. */
  offers: z.boolean().optional(),
  faults: z.array(fault),
});

/** Everything that a simulated run depends on: the same schedule gives the same run, event for event. */
export type Schedule = z.infer<typeof scheduleSchema>;
export type Fault = z.infer<typeof fault>;
export type When = z.infer<typeof when>;
