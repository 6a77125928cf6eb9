import type { ResolvedJob, ResolvedLatent, ResolvedOptimiser } from "./resolved-job.ts";

/**
 * By pattern of tensor names what updates them in place of the job's optimiser: the discriminators of adversarial
 * latents, then what the job says of patterns, of which the last that fits counts.
 */
export function optimisersByPattern(
  job: Pick<ResolvedJob, "tasks" | "model" | "optimisers">,
): Readonly<Record<string, ResolvedOptimiser>> {
  const { tasks, model, optimisers = {} } = job;
  const ofModel = model.kind === "shared" ? model.latent : undefined;
  const discriminators = Object.entries(tasks).flatMap(([name, { latent = ofModel }]) => {
    const optimiser = ownOptimiser(latent);
    return optimiser ? [[`${name}/discriminator/*`, optimiser] as const] : [];
  });
  // Written again, so that a pattern of the job's that is one of these comes last all the same.
  const others = discriminators.filter(([pattern]) => !Object.hasOwn(optimisers, pattern));
  return { ...Object.fromEntries(others), ...optimisers };
}

function ownOptimiser(latent: ResolvedLatent | object | undefined): ResolvedOptimiser | undefined {
  if (!latent || !("kind" in latent) || latent.kind !== "adversarial") return undefined;
  const { optimiser } = latent;
  return optimiser === "job" ? undefined : optimiser;
}
