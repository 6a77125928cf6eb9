import { isHeadTerm, type LossTerm, type TaskGraph } from "@latentweave/model";

/**
 * Weights of a graph's terms at a step; without one, as they are in the end: what is measured can be compared. That of a
 * head is over the share of its labels that are there.
 */
export function termWeights({ losses }: TaskGraph, step: number | undefined): readonly number[] {
  return losses.map((term) => {
    const share = labelledShare(term, step === undefined ? "evaluate" : "train");
    if (share !== undefined) return share > 0 ? term.weight / share : 0;
    if (term.kind !== "kl" || term.annealingSteps === undefined || step === undefined) return term.weight;
    return term.weight * Math.min(1, step / term.annealingSteps);
  });
}

/**
 * What the told loss weighs the terms by: as `termWeights`, but that of an adversary is not what the autoencoder
 * minimises; and measured, how well a latent passes says as much of the adversary as of the autoencoder, so that it is
 * no part of a loss by which states are compared.
 */
export function toldWeights(graph: TaskGraph, step: number | undefined): readonly number[] {
  const untold = step === undefined ? ["discriminator", "generator"] : ["discriminator"];
  const weights = termWeights(graph, step);
  return graph.losses.map(({ kind }, index) => (untold.includes(kind) ? 0 : (weights[index] ?? 0)));
}

function labelledShare(term: LossTerm, of: "train" | "evaluate"): number | undefined {
  return isHeadTerm(term) ? term.labelled?.[of] : undefined;
}

/** Place of the term of which the weight is another at every step. */
export function annealedTerm({ losses }: TaskGraph): number | undefined {
  const index = losses.findIndex(
    (term) => term.kind === "kl" && term.annealingSteps !== undefined && term.weight > 0,
  );
  return index < 0 ? undefined : index;
}
