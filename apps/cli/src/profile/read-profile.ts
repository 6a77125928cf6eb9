import { readFile } from "node:fs/promises";
import path from "node:path";
import { readTable } from "@latentweave/checkpoint";
import { UserError } from "@latentweave/protocol";
import {
  parseProfileLines,
  profiledRun,
  type ProfiledRun,
  profileFiles,
  type ProfileSummary,
  type StepPath,
  summarise,
} from "@latentweave/telemetry";
import { readJsonLines } from "../disk-dashboard/read-lines.ts";

/** What a run's folder says of how its time was spent. */
export interface ReadProfile {
  readonly runId: string;
  readonly directory: string;
  /** Of the job: `sync` where it names none. */
  readonly mode: string;
  readonly run: ProfiledRun;
  readonly summary: ProfileSummary;
  /** Steps that evaluated: they take longer, and nobody is to blame for it. */
  readonly evaluated: ReadonlySet<number>;
}

/** @throws UserError where nothing was recorded */
export async function readProfile(directory: string): Promise<ReadProfile> {
  const runId = path.basename(directory);
  const folder = path.join(directory, profileFiles.folder);
  const texts = await Promise.all(
    [profileFiles.before, profileFiles.newest].map((name) => readText(path.join(folder, name))),
  );
  if (texts.every((text) => text === undefined))
    throw new UserError({
      what: `run ${runId} has no profile: it was trained without --profile`,
      where: directory,
      mend: `train with it: latentweave train JOB --profile; a run that is not finished goes on with it: latentweave train --resume --run-id ${runId} --profile`,
    });
  const spec = (await readTable(path.join(directory, "spec.json"))) ?? {};
  const mode = (spec.mode as { readonly kind?: string } | undefined)?.kind ?? "sync";
  const lines = texts.flatMap((text) => parseProfileLines(text ?? ""));
  const run = profiledRun(lines, mode === "stale" || mode === "async");
  if (run.steps.length === 0)
    throw new UserError({
      what: `the profile of run ${runId} holds no committed step`,
      where: folder,
      mend: "wait for the run's first steps; a run that ended before them has nothing to show",
    });
  return { runId, directory, mode, run, summary: summarise(run), evaluated: await readEvaluated(directory) };
}

async function readEvaluated(directory: string): Promise<ReadonlySet<number>> {
  const steps = new Set<number>();
  for await (const { step, evaluation } of readJsonLines(path.join(directory, "metrics", "steps.jsonl")))
    if (typeof evaluation === "object" && Object.keys(evaluation ?? {}).length > 0) steps.add(Number(step));
  return steps;
}

/** @throws UserError for a step that was not recorded, with those that were */
export function stepOf({ runId, summary: { steps } }: ReadProfile, wanted: number): StepPath {
  const found = steps.find(({ step }) => step.step === wanted);
  if (found) return found;
  const [first, last] = [steps[0]?.step.step ?? 0, steps.at(-1)?.step.step ?? 0];
  const isBetween = wanted > first && wanted < last;
  throw new UserError({
    what: `the profile of run ${runId} has no step ${wanted}`,
    where: `--step ${wanted}`,
    expected: `a step from ${first} to ${last}`,
    mend: isBetween
      ? "what its leader recorded of it was lost with the leader's process: name another step"
      : "name one of these; `train --profile STEPS` says how many of the newest are kept",
  });
}

function readText(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}
