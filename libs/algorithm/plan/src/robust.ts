import type { RoundPlan } from "./plan-step.ts";
import type { RunSpec } from "./run-spec.ts";

/**
 * How a task's micro-batches of one step become its gradient, in place of their mean: so that some of them, by wrong
 * data, cannot move it as they like. `byzantine`: how many of a task's micro-batches may be wrong.
 */
export type RobustSpec =
  | { readonly kind: "krum"; readonly byzantine: number }
  /** The mean of so many; null: of as many as the method bears, slots − byzantine − 2. */
  | { readonly kind: "multi-krum"; readonly byzantine: number; readonly select: number | null }
  | { readonly kind: "trimmed-mean"; readonly byzantine: number }
  | { readonly kind: "median" }
  /** `radius` null: the median distance from the centre. */
  | { readonly kind: "centred-clipping"; readonly radius: number | null; readonly iterations: number };

/** Rules whose answer is a weighted mean of the micro-batches, by weights that their inner products give. */
export type WeighingRule = Extract<RobustSpec, { kind: "krum" | "multi-krum" | "centred-clipping" }>;

/** Rules that look at each number by itself. */
export type CoordinateRule = Extract<RobustSpec, { kind: "trimmed-mean" | "median" }>;

/** Whether contributions of a round stay apart on their way: none is added to another before the parameter server has all. */
export function staysApart(
  { robust }: Pick<RunSpec, "robust">,
  { program }: Pick<RoundPlan, "program">,
): boolean {
  return robust !== undefined && program === "gradient";
}

export function isWeighing(rule: RobustSpec | undefined): rule is WeighingRule {
  return rule !== undefined && rule.kind !== "median" && rule.kind !== "trimmed-mean";
}
