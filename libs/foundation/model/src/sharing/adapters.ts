import type { LayerSpec } from "../layers.ts";
import { trunkLatent } from "./hard-sharing.ts";
import type { Sharing, SharingPlace } from "./sharing-place.ts";

/**
 * A shared trunk with a small detour of the task's own after each layer: down to a few channels, relu, back, and added
 * (Houlsby et al., "Parameter-efficient transfer learning for NLP", ICML 2019; of images pixel by pixel, as Rebuffi et
 * al., "Learning multiple visual domains with residual adapters", NeurIPS 2017). The way back starts at zero, so that a
 * new adapter changes nothing.
 */
export function adapters(
  { trunk, latent, adapter }: Sharing<"adapters">,
  { graph, task, encoded }: SharingPlace,
): number {
  const place = { group: "shared/trunk", field: "model.trunk" };
  const adapted = (from: number, index: number): number => {
    const shape = graph.shapeOf(from);
    const channels = shape.at(-1) ?? 1;
    const layer = (units: number, rest: object): LayerSpec =>
      shape.length === 1
        ? { kind: "dense", units, ...rest }
        : { kind: "convolution", filters: units, kernel: 1, ...rest };
    const detour = graph.sequence(
      from,
      [layer(adapter, { activation: "relu" }), layer(channels, { initialiser: "zeros" })],
      { group: `${task}/adapter`, field: "model.adapter" },
      2 * index,
    );
    return graph.sum([from, detour]);
  };
  const inner = trunk.reduce(
    (from, one, index) => adapted(graph.sequence(from, [one], place, index), index),
    encoded,
  );
  return adapted(trunkLatent(latent, { graph, encoded: inner }), trunk.length);
}
