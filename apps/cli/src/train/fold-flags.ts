import { applySettings } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import type { TrainFlags } from "./train-flags.ts";

/**
 * The job with `--set` and the flags that stand for a field of it. Flags win over `--set`, both over the file.
 * Unchecked still: whether values fit is for resolveJob to say.
 */
export function foldFlags(input: unknown, flags: TrainFlags): unknown {
  const setting = (path: string, value: unknown): string[] =>
    value === undefined ? [] : [`${path}=${JSON.stringify(value)}`];
  const job = applySettings(input, [
    ...(flags.set ?? []),
    ...setting("steps", flags.steps),
    ...setting("seed", flags.seed),
    ...setting("compute.backend", flags.backend),
    ...setting("compute.threads", flags.threads),
  ]);
  return withLauncher(job, flags);
}

/** Another launcher starts from its own fields: an ssh launcher has hosts, a local one must not. */
function withLauncher(job: unknown, { launcher, hosts, workers, shards }: TrainFlags): unknown {
  if (typeof job !== "object" || job === null) return job;
  const before = ("launcher" in job ? job.launcher : undefined) as
    Readonly<Record<string, unknown>> | undefined;
  const kind = launcher ?? (hosts === undefined ? undefined : "ssh");
  const keepsKind = kind === undefined || kind === before?.kind;
  if (hosts !== undefined && kind !== "ssh")
    throw new UserError({
      where: "--hosts",
      what: `the ${String(kind)} launcher takes no hosts`,
      mend: "use --launcher ssh, or leave --hosts out",
      exitCode: 2,
    });
  const changed = {
    ...(keepsKind ? (before ?? { kind: "local" }) : { kind, ...common(before) }),
    ...(hosts === undefined ? {} : { hosts }),
    ...(workers === undefined ? {} : { workers }),
    ...(shards === undefined ? {} : { shards }),
  };
  return { ...job, launcher: changed };
}

function common(before: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  const { workers, shards } = before ?? {};
  return { ...(workers === undefined ? {} : { workers }), ...(shards === undefined ? {} : { shards }) };
}
