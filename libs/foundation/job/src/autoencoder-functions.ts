import type { LayerSpec, VariationalLatent, VectorQuantisedLatent } from "@latentweave/model";
import type { z } from "zod";
import type { optimiserSchema } from "./optimiser-schema.ts";

type OptimiserInput = z.input<typeof optimiserSchema>;

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

/** A latent of so many units that a discriminator of these layers is to take for draws of the standard normal. */
export function adversarial(
  units: number,
  discriminator: readonly LayerSpec[],
  options?: { readonly weight?: number; readonly optimiser?: OptimiserInput | "job" },
): {
  readonly kind: "adversarial";
  readonly units: number;
  readonly discriminator: readonly LayerSpec[];
} & typeof options {
  return { kind: "adversarial", units, discriminator, ...options };
}
