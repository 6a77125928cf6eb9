import type { ResolvedOptimiser } from "@latentweave/job";
import type { RunSpec } from "./run-spec.ts";

/**
 * DiLoCo (Douillard et al., 2023): a slot is a logical replica of its task. It takes `innerSteps` steps of the job's own
 * optimiser from the weights of the step's version, and what it contributes is how far it came: before − after. The
 * parameter server takes the mean over the replicas for a gradient, and makes one step of Nesterov momentum with it.
 */
export interface DilocoSpec {
  readonly kind: "diloco";
  readonly innerSteps: number;
  readonly outer: { readonly learningRate: number; readonly momentum: number };
}

/**
 * Planned steps are computed side by side and applied in the order in which they are whole; none later than `bound`
 * versions after the one that it was computed on.
 */
export interface StaleSpec {
  readonly kind: "stale";
  readonly bound: number;
}

/** The same without a bound: the update's rate is divided by 1 + staleness (order.ts). */
export interface AsyncSpec {
  readonly kind: "async";
}

export type ModeSpec = DilocoSpec | StaleSpec | AsyncSpec;

/** How many micro-batches a slot computes in one step, one after the other. */
export function innerSteps(spec: Pick<RunSpec, "mode">): number {
  return spec.mode?.kind === "diloco" ? spec.mode.innerSteps : 1;
}

/** The optimiser whose state the parameter server keeps: the job's own, unless that is the replicas' inner one. */
export function serverOptimiser(spec: Pick<RunSpec, "mode" | "optimiser">): ResolvedOptimiser {
  if (spec.mode?.kind !== "diloco") return spec.optimiser;
  return { kind: "momentum", ...spec.mode.outer, nesterov: true };
}

/** Every optimiser whose state the parameter server keeps: the one above first, then those of some tensors. */
export function serverOptimisers(
  spec: Pick<RunSpec, "mode" | "optimiser" | "optimisers">,
): readonly ResolvedOptimiser[] {
  return [serverOptimiser(spec), ...Object.values(spec.optimisers ?? {})];
}
