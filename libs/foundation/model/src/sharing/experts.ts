import type { LatentDescription } from "../description.ts";
import type { LayerSpec } from "../layers.ts";
import type { SharingPlace } from "./sharing-place.ts";

/**
 * Multi-gate mixture of experts (Ma et al., KDD 2018): each expert goes from what the encoder yields to a latent, and a
 * gate of the task's own says, sample by sample, how much of each becomes the task's. With experts that only their task
 * sees beside the shared ones it is customised gate control (Tang et al., "Progressive layered extraction", RecSys 2020,
 * of one level). Gates and experts both read what the encoder yields.
 */
export function experts(
  {
    experts: shared,
    ownExperts,
    expert,
    gate,
    latent,
  }: {
    readonly experts: number;
    readonly ownExperts: number;
    readonly expert: readonly LayerSpec[];
    readonly gate: readonly LayerSpec[];
    readonly latent: LatentDescription;
  },
  { graph, task, encoded }: SharingPlace,
): number {
  const { units, activation } = latent;
  const expertOf = (group: string): number => {
    const place = { group, field: "model.expert" };
    return graph.dense(graph.sequence(encoded, expert, place), units, activation, `${group}/latent`, place);
  };
  const groups = [
    ...Array.from({ length: shared }, (_, index) => `shared/expert/${index}`),
    ...Array.from({ length: ownExperts }, (_, index) => `${task}/expert/${index}`),
  ];
  const place = { group: `${task}/gate`, field: "model.gate" };
  const gated = graph.dense(
    graph.sequence(encoded, gate, place),
    groups.length,
    "linear",
    `${task}/gate/output`,
    place,
  );
  return graph.mixture(gated, groups.map(expertOf) as [number, ...number[]]);
}
