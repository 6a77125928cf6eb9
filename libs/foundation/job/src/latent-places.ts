import { isOwnKind } from "./autoencoder-schema.ts";
import type { ParsedJob } from "./job-schema.ts";

type Latent = NonNullable<ParsedJob["tasks"][string]["latent"]>;

/** The latents of a job that are more than a layer, the tasks' own and a shared model's, and where it has them. */
export function latentPlaces({
  tasks,
  model,
}: ParsedJob): readonly { readonly path: readonly PropertyKey[]; readonly latent: Latent }[] {
  const own = Object.entries(tasks).flatMap(([name, { latent }]) =>
    latent ? [{ path: ["tasks", name, "latent"], latent }] : [],
  );
  if (model.kind !== "shared" || !isOwnKind(model.latent)) return own;
  return [...own, { path: ["model", "latent"], latent: model.latent }];
}
