import type { TaskGraph } from "@latentweave/model";

/** Weights of a graph's terms at a step; without one, as they are in the end: what is measured can be compared. */
export function termWeights({ losses }: TaskGraph, step: number | undefined): readonly number[] {
  return losses.map((term) => {
    if (term.kind !== "kl" || term.annealingSteps === undefined || step === undefined) return term.weight;
    return term.weight * Math.min(1, step / term.annealingSteps);
  });
}

/** Place of the term of which the weight is another at every step. */
export function annealedTerm({ losses }: TaskGraph): number | undefined {
  const index = losses.findIndex(
    (term) => term.kind === "kl" && term.annealingSteps !== undefined && term.weight > 0,
  );
  return index < 0 ? undefined : index;
}
