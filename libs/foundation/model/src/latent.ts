import { UserError } from "@latentweave/protocol";
import { adversarialLatent } from "./adversarial-latent.ts";
import type { LatentSpec, VariationalLatent, VectorQuantisedLatent } from "./autoencoder.ts";
import type { LossTerm, ReconstructionTerm } from "./graph.ts";
import type { GraphBuilder, SequencePlace } from "./graph-builder.ts";
import { countNumbers, show } from "./infer-layer.ts";
import type { Posterior } from "./latent-terms.ts";

/** A task's latent, and what its loss gains by it. */
export interface LatentNodes {
  /** What `encode` writes and what heads see. */
  readonly latent: number;
  /** What the decoder begins with. */
  readonly toDecoder: number;
  /** The task's terms in place of the reconstruction alone; without a reconstruction those of the latent. */
  readonly terms: (reconstruction: ReconstructionTerm | undefined) => readonly LossTerm[];
}

/** The latent is what was encoded. */
export function plainLatent(encoded: number): LatentNodes {
  return {
    latent: encoded,
    toDecoder: encoded,
    terms: (reconstruction) => (reconstruction ? [reconstruction] : []),
  };
}

/** What the latent's parts are called. */
export interface LatentNames {
  /** Of its layers. */
  readonly name: string;
  /** Keys its draws, and is the task's own. */
  readonly drawName: string;
  /** Of the group of its codebook. */
  readonly codebook: string;
  /** Of the group of its discriminator: a task's own, in a shared model too. */
  readonly discriminator: string;
}

export function addLatent(
  graph: GraphBuilder,
  encoded: number,
  spec: LatentSpec,
  names: LatentNames,
  place: SequencePlace,
): LatentNodes {
  switch (spec.kind) {
    case "variational":
      return variationalLatent(graph, encoded, spec, names, place);
    case "vectorQuantised":
      return quantisedLatent(graph, encoded, spec, names, place);
    case "adversarial":
      return adversarialLatent(graph, encoded, spec, names, place);
  }
}

function quantisedLatent(
  graph: GraphBuilder,
  encoded: number,
  { codes, width, commitment, movingAverage }: VectorQuantisedLatent,
  { codebook: group }: LatentNames,
  place: SequencePlace,
): LatentNodes {
  const shape = graph.shapeOf(encoded);
  const numbers = width ?? (shape.at(-1) as number);
  if (countNumbers(shape) % numbers !== 0)
    throw new UserError({
      where: `${place.field}.width`,
      what: `vectors of ${numbers} numbers do not fill what was encoded, ${show(shape)}`,
      expected: `a width that divides ${countNumbers(shape)}`,
      mend: "change width, or leave it out to take the last axis",
    });
  const { quantised, ...tensors } = graph.quantise(
    encoded,
    { group, shape: [codes, numbers] },
    movingAverage,
  );
  return {
    latent: quantised,
    toDecoder: quantised,
    terms: (reconstruction) => [
      ...(reconstruction ? [reconstruction] : []),
      {
        ...{ kind: "quantisation", name: "quantisation", weight: 1, commitment },
        ...{ encoded, ...tensors },
        ...(reconstruction?.reduction && { reduction: reconstruction.reduction }),
      },
    ],
  };
}

function variationalLatent(
  graph: GraphBuilder,
  encoded: number,
  { units, beta, annealing, freeBits, samples }: VariationalLatent,
  { name, drawName }: LatentNames,
  place: SequencePlace,
): LatentNodes {
  const mean = graph.dense(encoded, units, "linear", `${name}/mean`, place);
  const logVariance = graph.dense(encoded, units, "linear", `${name}/logVariance`, place);
  const posterior: Posterior = { mean, logVariance };
  const { draw, sample } = graph.sample(mean, logVariance, samples, drawName);
  const kl = {
    kind: "kl",
    name: "kl",
    weight: beta,
    freeBits,
    ...(annealing && { annealingSteps: annealing.steps }),
    ...posterior,
  } as const;
  return {
    latent: mean,
    toDecoder: sample,
    terms: (reconstruction) => {
      if (!reconstruction) return [kl];
      if (samples === 1) return [reconstruction, kl];
      const bound = { kind: "bound", name: "bound", weight: 1, reconstruction, draw, sample } as const;
      return [
        { ...bound, ...posterior },
        { ...reconstruction, weight: 0 },
        { ...kl, weight: 0 },
      ];
    },
  };
}
