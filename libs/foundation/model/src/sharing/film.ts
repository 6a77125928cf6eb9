import { trunkLatent } from "./hard-sharing.ts";
import type { Sharing, SharingPlace } from "./sharing-place.ts";

/**
 * A shared trunk that is told whose sample it sees: after each layer its channels are scaled and shifted by what shared
 * tensors make of the task's embedding (Perez et al., "FiLM", AAAI 2018).
 */
export function film(
  { trunk, latent, embedding }: Sharing<"film">,
  { graph, task, encoded }: SharingPlace,
): number {
  const place = { group: "shared/trunk", field: "model.trunk" };
  const vector = { group: `${task}/embedding`, numbers: embedding };
  const told = (from: number, name: string): number =>
    graph.film(from, vector, { group: "shared/film", name: `shared/film/${name}` });
  const inner = trunk.reduce(
    (from, layer, index) => told(graph.sequence(from, [layer], place, index), String(index)),
    encoded,
  );
  return told(trunkLatent(latent, { graph, encoded: inner }), "latent");
}
