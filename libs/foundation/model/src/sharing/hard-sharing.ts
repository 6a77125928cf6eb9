import type { LatentDescription } from "../description.ts";
import type { LayerSpec } from "../layers.ts";
import type { Sharing, SharingPlace } from "./sharing-place.ts";

/** One trunk for all tasks (Caruana, "Multitask learning", 1997). */
export function hardSharing(
  { trunk, latent }: { readonly trunk: readonly LayerSpec[]; readonly latent: LatentDescription },
  { graph, encoded }: Pick<SharingPlace, "graph" | "encoded">,
): number {
  const inner = graph.sequence(encoded, trunk, { group: "shared/trunk", field: "model.trunk" });
  return trunkLatent(latent, { graph, encoded: inner });
}

/** The dense layer that ends a shared trunk. */
export function trunkLatent(
  { units, activation }: LatentDescription,
  { graph, encoded }: Pick<SharingPlace, "graph" | "encoded">,
): number {
  const place = { group: "shared/trunk", field: "model.latent" };
  return graph.dense(encoded, units, activation, "shared/trunk/latent", place);
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
  const common = hardSharing(model, { graph, encoded });
  const { units, activation } = model.privateLatent;
  const own = `${task}/private`;
  const apart = graph.dense(encoded, units, activation, `${own}/latent`, {
    group: own,
    field: "model.privateLatent",
  });
  return graph.concat([common, apart]);
}
