import { z } from "zod";
import { positiveInteger } from "./layer-schema.ts";

/** Samples of a step, over all tasks: each task's part of them follows from how many training rows it has. */
const samples = positiveInteger;

export const samplingSchema = z.discriminatedUnion("strategy", [
  /** By rows: every row of every task counts the same. */
  z.strictObject({ strategy: z.literal("proportional"), samples }),
  /** The same for every task, however many rows it has. */
  z.strictObject({ strategy: z.literal("uniform"), samples }),
  /** By rows to the power of 1/temperature: 1 is `proportional`, a large one nears `uniform`. */
  z.strictObject({
    strategy: z.literal("temperature"),
    samples,
    /** Default 2. */
    temperature: z.number().min(1).default(2),
  }),
  /** As the tasks' held-out losses say, anew after every evaluation: docs/job.md. */
  z.strictObject({
    strategy: z.literal("adaptive"),
    samples,
    /** Shares before the first evaluation, and what losses change: as `temperature`; absent: `uniform`. */
    temperature: z.number().min(1).optional(),
    /** Power of a task's relative loss; default 1. */
    strength: z.number().gt(0).max(10).default(1),
    /** A relative loss counts as no more than this, and as no less than one over it; default 2. */
    limit: z.number().gt(1).max(100).default(2),
  }),
]);

export type ResolvedSampling = z.output<typeof samplingSchema>;
