import type { LatentDescription } from "../description.ts";
import { addLatent, type LatentNodes, plainLatent } from "../latent.ts";
import type { LayerSpec } from "../layers.ts";
import type { Sharing, SharingPlace } from "./sharing-place.ts";

/** One trunk for all tasks (Caruana, "Multitask learning", 1997), and a latent of any kind at its end. */
export function hardSharing(
  { trunk, latent }: Sharing<"shared">,
  { graph, task, encoded }: SharingPlace,
): LatentNodes {
  const inner = throughTrunk(trunk, { graph, encoded });
  if (!("kind" in latent)) return plainLatent(trunkLatent(latent, { graph, encoded: inner }));
  const names = {
    name: trunkLatentName,
    drawName: `${task}/latent`,
    codebook: "shared/codebook",
    discriminator: `${task}/discriminator`,
  };
  return addLatent(graph, inner, latent, names, trunkLatentPlace);
}

function throughTrunk(
  trunk: readonly LayerSpec[],
  { graph, encoded }: Pick<SharingPlace, "graph" | "encoded">,
): number {
  return graph.sequence(encoded, trunk, { group: "shared/trunk", field: "model.trunk" });
}

const trunkLatentName = "shared/trunk/latent";
const trunkLatentPlace = { group: "shared/trunk", field: "model.latent" };

/** The dense layer that ends a shared trunk. */
export function trunkLatent(
  { units, activation }: LatentDescription,
  { graph, encoded }: Pick<SharingPlace, "graph" | "encoded">,
): number {
  return graph.dense(encoded, units, activation, trunkLatentName, trunkLatentPlace);
}

/**
 * The latent that all tasks share, and behind it one of the task's own: what only this task needs does not crowd the
 * shared one (Bousmalis et al., "Domain separation networks", 2016; Liu, Qiu, Huang, "Adversarial multi-task learning for
 * text classification", 2017, without the adversary).
 */
export function privateShared(
  model: Sharing<"private-shared">,
  { graph, task, encoded }: SharingPlace,
): number {
  const common = trunkLatent(model.latent, { graph, encoded: throughTrunk(model.trunk, { graph, encoded }) });
  const { units, activation } = model.privateLatent;
  const own = `${task}/private`;
  const apart = graph.dense(encoded, units, activation, `${own}/latent`, {
    group: own,
    field: "model.privateLatent",
  });
  return graph.concat([common, apart]);
}
