import { applySettings, type ResolvedJob, resolveJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { withSomeTasks } from "./some-tasks.ts";
import type { TrainFlags } from "./train-flags.ts";

/**
 * The resolved job, flags folded in. A setting may name a field of something that the job leaves to its default
 * (`optimiser.learningRate`): then it is set in that default.
 * @param file for messages
 * @throws JobError with every problem found
 */
export function resolveWithFlags(input: unknown, flags: TrainFlags, file: string | undefined): ResolvedJob {
  try {
    return resolveJob(foldFlags(input, flags), file);
  } catch (error) {
    if ((flags.set ?? []).length === 0) throw error;
    // Throws what is wrong with the job itself, if that is where the fault lies.
    return resolveJob(foldFlags(resolveJob(input, file), flags), file);
  }
}

/**
 * The job with `--set` and the flags that stand for a field of it. Flags win over `--set`, both over the file.
 * Unchecked still: whether values fit is for resolveJob to say.
 */
function foldFlags(input: unknown, flags: TrainFlags): unknown {
  const setting = (path: string, value: unknown): string[] =>
    value === undefined ? [] : [`${path}=${JSON.stringify(value)}`];
  // Before `--set`, so that it finds the fields of the launcher that was asked for; after it, because flags win.
  const some = flags.tasks === undefined ? input : withSomeTasks(input, flags.tasks);
  const job = applySettings(withLauncher(some, flags), [
    ...(flags.set ?? []),
    ...setting("steps", flags.steps),
    ...setting("seed", flags.seed),
    ...setting("compute.backend", flags.backend),
    ...setting("compute.threads", flags.threads),
  ]);
  return withLauncher(job, flags);
}

/** Another launcher starts from its own fields: an ssh launcher has hosts, a local one must not. */
function withLauncher(job: unknown, { launcher, hosts, workers, shards, placement }: TrainFlags): unknown {
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
    ...(placement === undefined ? {} : { placement }),
  };
  return { ...job, launcher: changed };
}

function common(before: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  const kept = ["workers", "shards", "placement", "hostAggregation"];
  return Object.fromEntries(Object.entries(before ?? {}).filter(([name]) => kept.includes(name)));
}
