import { z } from "zod";
import { isOrdered, type Mode } from "./mode-schema.ts";

const byKind = z.discriminatedUnion("kind", [
  /** The task changes nothing for a while; the others go on. */
  z.strictObject({
    kind: z.literal("pause"),
    /** Steps until it is tried again; default 100; 0: never. */
    retryAfterSteps: z.int().min(0).default(100),
  }),
  /** The run ends. */
  z.strictObject({ kind: z.literal("stop") }),
]);

/** What becomes of a task whose loss or gradient is not finite, whoever computes it: `pause` or `stop`. */
export const notFiniteSchema = z.union([z.enum(["pause", "stop"]), byKind]);

export type ResolvedNotFinite = z.output<typeof byKind>;

/** Modes with an order compute such a step again, and know no pauses. */
export function completeNotFinite(
  rule: z.output<typeof notFiniteSchema> | null | undefined,
  mode: Mode,
): ResolvedNotFinite {
  const chosen = rule ?? (isOrdered(mode) ? "stop" : "pause");
  return byKind.parse(typeof chosen === "string" ? { kind: chosen } : chosen);
}
