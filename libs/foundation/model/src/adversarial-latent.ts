import type { AdversarialLatent } from "./autoencoder.ts";
import type { GraphBuilder, LayerApplication, SequencePlace } from "./graph-builder.ts";
import type { LatentNames, LatentNodes } from "./latent.ts";

/**
 * A latent whose distribution is pushed towards the standard normal by a discriminator (Makhzani et al., "Adversarial
 * autoencoders", 2015, with the deterministic encoder). Both objectives are of the same weights, each stopped at what
 * the other one learns: the discriminator sees draws of the prior and detached latents, and once more, with its own
 * tensors frozen, the latents that are to pass.
 */
export function adversarialLatent(
  graph: GraphBuilder,
  encoded: number,
  { units, discriminator, weight }: AdversarialLatent,
  { name, discriminator: group, drawName }: LatentNames,
  place: SequencePlace,
): LatentNodes {
  const latent = graph.dense(encoded, units, "linear", name, place);
  const logit = (of: number, application: LayerApplication): number => {
    const own = { group, field: `${place.field}.discriminator`, application };
    return graph.dense(graph.sequence(of, discriminator, own), 1, "linear", `${group}/logit`, own);
  };
  const ofPrior = logit(graph.prior(latent, `${drawName}/prior`), { drawnAs: "/prior" });
  const ofEncoded = logit(graph.detach(latent), {});
  const passing = logit(latent, { frozen: true });
  return {
    latent,
    toDecoder: latent,
    terms: (reconstruction) => [
      ...(reconstruction ? [reconstruction] : []),
      { kind: "generator", name: "generator", weight, logit: passing },
      { kind: "discriminator", name: "discriminator", weight: 1, ofPrior, ofEncoded },
    ],
  };
}
