import type { VariationalLatent } from "@latentweave/model";

/** A latent of so many units, each a normal distribution that is drawn from while training. */
export function variational(
  units: number,
  options?: Partial<Omit<VariationalLatent, "kind" | "units">>,
): { readonly kind: "variational"; readonly units: number } & typeof options {
  return { kind: "variational", units, ...options };
}
