import {
  combinerParts,
  nearest,
  optimisersByPattern,
  regulariserParts,
  type ResolvedJob,
} from "@latentweave/job";
import type { OwnModule } from "@latentweave/launch";
import { combinerNamed, regulariserNamed, userPrefix } from "@latentweave/multitask";
import { UserError } from "@latentweave/protocol";

/**
 * Everything that a job takes from its extensions is there, and fits the rest of the job: before anything starts.
 * @throws UserError naming the field
 */
export function requireOwn(job: ResolvedJob, userModule: string | null, own: OwnModule | undefined): void {
  const { name } = combinerParts(job.combiner);
  if (name.startsWith(userPrefix)) combinerNamed(name, "combiner.name", userModule);
  requireRegulariser(job, userModule);
  const losses = Object.keys(own?.losses ?? {});
  for (const [task, { reconstruction }] of Object.entries(job.tasks)) {
    if (reconstruction === false || reconstruction.loss !== "user") continue;
    const wanted = reconstruction.name ?? "";
    if (losses.includes(wanted)) continue;
    const near = nearest(wanted, losses);
    throw new UserError({
      where: `tasks.${task}.reconstruction.name`,
      what: `the job's extensions have no loss "${wanted}"`,
      expected: losses.length > 0 ? `one of ${losses.join(", ")}` : "an extension with losses",
      mend:
        near === undefined
          ? 'name the module in the job as extensions: ["./FILE.ts"], and the loss in its record `losses`'
          : `write "${near}"`,
    });
  }
}

function requireRegulariser(job: ResolvedJob, userModule: string | null): void {
  const omega = regulariserParts(job)?.omega;
  if (omega?.startsWith(userPrefix) !== true) return;
  const { kind } = regulariserNamed(omega, "regulariser.name", userModule);
  const other =
    job.optimiser.kind !== "sgd" && job.optimiser.kind !== "momentum"
      ? `the optimiser "${job.optimiser.kind}"`
      : job.compression.broadcast || job.compression.auto
        ? "a compressed broadcast"
        : Object.keys(job.rates).length > 0
          ? "rates"
          : Object.keys(optimisersByPattern(job)).length > 0
            ? "optimisers"
            : undefined;
  if (kind === "quadratic" || other === undefined) return;
  throw new UserError({
    where: "regulariser.name",
    what: `the regulariser takes a proximal step after the optimiser's, of one length for all numbers; besides ${other}`,
    expected: 'the optimiser "sgd" or "momentum", and weights that are sent whole',
    mend: 'write optimiser: { kind: "momentum", learningRate: 0.01 }, or leave the other out',
  });
}
