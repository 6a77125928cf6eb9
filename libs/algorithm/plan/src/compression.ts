import type { Codec } from "@latentweave/arithmetic";
import type { RoundPlan } from "./plan-step.ts";
import type { RunSpec } from "./run-spec.ts";

/**
 * What is rounded so that it travels in fewer bytes (docs/compression.md). It is part of what a run computes: who holds
 * what, and how it travels, changes no bit.
 */
export interface CompressionSpec {
  /** Sums of contributions, on one level of the reduction tree (0: single contributions) or on every one. */
  readonly push?: { readonly codec: Codec; readonly level: number | "every" };
  /** The change of the parameters that a step makes. */
  readonly broadcast?: { readonly codec: Codec };
}

/** The codec of the gradients that are summed in a round. */
export function pushCodec(
  { compression }: Pick<RunSpec, "compression">,
  { program }: Pick<RoundPlan, "program">,
): CompressionSpec["push"] {
  return program === "gradient" ? compression?.push : undefined;
}
