import { z } from "zod";
import { positiveInteger } from "./layer-schema.ts";

/** How contributions become weights. Modes that the engines cannot run are no part of it, so that a job is refused. */
export const modeSchema = z.discriminatedUnion("kind", [
  /** Every step is computed on the version before it. */
  z.strictObject({ kind: z.literal("sync") }),
  /** DiLoCo: each slot is a replica that takes inner steps of its own; the server steps with the mean of their ways. */
  z.strictObject({
    kind: z.literal("diloco"),
    /** Micro-batches that a replica takes between two meetings. */
    innerSteps: positiveInteger,
    /** Nesterov momentum on the parameter server. */
    outer: z
      .strictObject({
        /** Default 0.7. */
        learningRate: z.number().gt(0).default(0.7),
        /** Default 0.9. */
        momentum: z.number().min(0).lt(1).default(0.9),
      })
      .default({ learningRate: 0.7, momentum: 0.9 }),
  }),
]);
