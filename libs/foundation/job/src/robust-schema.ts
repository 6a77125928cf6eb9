import { z } from "zod";

/** How many micro-batches of a task may be wrong in one step; default 1. */
const byzantine = z.int().min(0).default(1);

const byKind = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("krum"), byzantine }),
  z.strictObject({
    kind: z.literal("multi-krum"),
    byzantine,
    /** The mean of so many; default slots − byzantine − 2. */
    select: z.int().min(1).nullish(),
  }),
  z.strictObject({ kind: z.literal("trimmed-mean"), byzantine }),
  z.strictObject({ kind: z.literal("median") }),
  z.strictObject({
    kind: z.literal("centred-clipping"),
    /** Default: the median distance from the centre, in each iteration. */
    radius: z.number().gt(0).nullish(),
    /** Default 3. */
    iterations: z.int().min(1).max(100).default(3),
  }),
]);

const names = ["krum", "multi-krum", "trimmed-mean", "median", "centred-clipping"] as const;

/** How a task's micro-batches become its gradient, in place of their mean: docs/robust.md. */
export const robustSchema = z.union([z.enum(names), byKind]);

type WithOptions = z.output<typeof byKind>;

/** Null where a rule chooses for itself. */
export type ResolvedRobust =
  | Extract<WithOptions, { kind: "krum" | "trimmed-mean" | "median" }>
  | { readonly kind: "multi-krum"; readonly byzantine: number; readonly select: number | null }
  | { readonly kind: "centred-clipping"; readonly radius: number | null; readonly iterations: number };

export function completeRobust(rule: z.output<typeof robustSchema>): ResolvedRobust {
  const whole = byKind.parse(typeof rule === "string" ? { kind: rule } : rule);
  if (whole.kind === "multi-krum") return { ...whole, select: whole.select ?? null };
  if (whole.kind === "centred-clipping") return { ...whole, radius: whole.radius ?? null };
  return whole;
}
