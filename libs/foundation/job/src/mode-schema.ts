import { z } from "zod";
import { positiveInteger } from "./layer-schema.ts";

/** How contributions become weights. */
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
  /** Whole steps are computed side by side, each on the weights that are newest when it begins, and applied as they come. */
  z.strictObject({
    kind: z.literal("stale"),
    /** Steps that may be applied between the weights that one is computed on and those that it is applied to. */
    bound: z.int().min(0).max(1000),
  }),
  /** The same without a bound: how far an update goes falls with its staleness. */
  z.strictObject({ kind: z.literal("async") }),
]);

export type Mode = z.output<typeof modeSchema>;

/** `stale` and `async`: planned steps are applied in an order of their own, each computed on weights of some age. */
export function isOrdered({ kind }: Mode): boolean {
  return kind === "stale" || kind === "async";
}
