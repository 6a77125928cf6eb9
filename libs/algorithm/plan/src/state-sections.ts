import { stateNamesOf } from "@latentweave/optim";
import { furtherSections } from "./compression.ts";
import { serverOptimisers } from "./mode.ts";
import type { RunSpec } from "./run-spec.ts";

/** States of the parameter server's optimisers, each once: all tensors have all of them. */
export function optimiserStates(spec: Pick<RunSpec, "mode" | "optimiser" | "optimisers">): readonly string[] {
  return stateNamesOf(serverOptimisers(spec));
}

/** Sections of a shard's state besides the parameters, in the order in which they lie: the optimisers', then the others. */
export function stateSections(spec: RunSpec): readonly string[] {
  return [...optimiserStates(spec), ...furtherSections(spec)];
}
