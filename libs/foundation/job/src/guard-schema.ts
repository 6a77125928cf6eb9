import { z } from "zod";

const aboveOne = z.number().gt(1);

/** What is done about a task that learns worse together with others than alone: docs/guard.md. */
export const guardSchema = z.strictObject({
  /** Default `branch`. */
  action: z.enum(["branch", "detach", "reweight"]).default("branch"),
  /** How much worse than alone is let pass, as a share of the loss alone; default 0.01. */
  tolerance: z.number().min(0).default(0.01),
  /** Evaluations that are judged together; default 3. */
  patience: z.int().min(1).max(1000).default(3),
  /** Share of the run's steps in which it only watches; default 0.5. */
  watch: z.number().min(0).lt(1).default(0.5),
  /** `branch`: whether the shared parameters go on learning from a task that has left; default true. */
  teaches: z.boolean().optional(),
  /** `reweight`: what a harmed task's weight is multiplied with; default 2. */
  factor: aboveOne.optional(),
  /** `reweight`: the most that it comes to; default 16. */
  most: aboveOne.optional(),
});

export type ParsedGuard = z.output<typeof guardSchema>;

/** `teaches` is of `branch` alone, `factor` and `most` are of `reweight`. */
export type ResolvedGuard = Omit<ParsedGuard, "teaches" | "factor" | "most"> & {
  readonly teaches?: boolean;
  readonly factor?: number;
  readonly most?: number;
};

export function completeGuard({
  teaches = true,
  factor = 2,
  most = 16,
  ...guard
}: ParsedGuard): ResolvedGuard {
  if (guard.action === "detach") return guard;
  return guard.action === "branch" ? { ...guard, teaches } : { ...guard, factor, most };
}
