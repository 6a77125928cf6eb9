import type { LatentSpec, VariationalLatent } from "./autoencoder.ts";
import type { LossTerm, Posterior, ReconstructionTerm } from "./graph.ts";
import type { GraphBuilder, SequencePlace } from "./graph-builder.ts";

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

/** @param name of the latent's layers; @param drawName keys its draws and is the task's own */
export function addLatent(
  graph: GraphBuilder,
  encoded: number,
  spec: LatentSpec,
  names: { readonly name: string; readonly drawName: string },
  place: SequencePlace,
): LatentNodes {
  return variationalLatent(graph, encoded, spec, names, place);
}

function variationalLatent(
  graph: GraphBuilder,
  encoded: number,
  { units, beta, annealing, freeBits, samples }: VariationalLatent,
  { name, drawName }: { readonly name: string; readonly drawName: string },
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
