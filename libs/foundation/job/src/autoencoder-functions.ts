import type { VariationalLatent, VectorQuantisedLatent } from "@latentweave/model";

/** A latent of so many units, each a normal distribution that is drawn from while training. */
export function variational(
  units: number,
  options?: Partial<Omit<VariationalLatent, "kind" | "units">>,
): { readonly kind: "variational"; readonly units: number } & typeof options {
  return { kind: "variational", units, ...options };
}

/** A latent of which every vector becomes the nearest of so many that are learned. */
export function vectorQuantised(
  codes: number,
  options?: Partial<Omit<VectorQuantisedLatent, "kind" | "codes">>,
): { readonly kind: "vectorQuantised"; readonly codes: number } & typeof options {
  return { kind: "vectorQuantised", codes, ...options };
}
