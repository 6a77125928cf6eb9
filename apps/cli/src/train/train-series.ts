import { existsSync } from "node:fs";
import path from "node:path";
import { compareJobs, readTable } from "@latentweave/checkpoint";
import { type ResolvedJob, resolveJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { describeRun } from "../runs/describe-run.ts";
import { formatDuration } from "../show/numbers.ts";
import { followRun } from "./follow-run.ts";
import { catchInterrupts } from "./interrupts.ts";
import { startRun } from "./start-run.ts";
import type { JobSource } from "./train-flags.ts";

/** One run of several that belong together. */
export interface SeriesRun {
  readonly runId: string;
  /** Its job, unchecked still. */
  readonly input: unknown;
  /** What a person is told of it. */
  readonly title: string;
}

export interface SeriesOptions {
  /** Where the jobs come from. */
  readonly source: Omit<JobSource, "input">;
  /** Absolute: each run has a folder of its own in it. */
  readonly folder: string;
  readonly workers: number | undefined;
  /** No further run is begun after so long; undefined: no limit. */
  readonly budgetMs?: number | undefined;
  /** Fields in which a run that is there already may differ. */
  readonly mayDiffer: RegExp;
  /** What to do about one that is there and of another job. */
  readonly mend: string;
  readonly note: (line: string) => void;
}

/**
 * Trains what is not there yet: a run that has finished is never trained again, one that was interrupted goes on.
 * @returns the runs that are there, in their order; or "interrupted" after Ctrl-C
 * @throws UserError when one fails, or is there and of another job
 */
export async function trainSeries<Run extends SeriesRun>(
  runs: readonly Run[],
  options: SeriesOptions,
): Promise<readonly Run[] | "interrupted"> {
  const { folder, note, budgetMs } = options;
  const startMs = performance.now();
  const interrupts = catchInterrupts();
  const done: Run[] = [];
  try {
    for (const [at, run] of runs.entries()) {
      const { runId, input, title } = run;
      const directory = path.join(folder, runId);
      const before = existsSync(path.join(directory, "spec.json")) ? await describeRun(directory) : undefined;
      if (before) await requireSameJob(directory, resolveJob(input), options);
      if (before?.state !== "finished") {
        if (budgetMs !== undefined && performance.now() - startMs > budgetMs) continue;
        const launched = await startRun(
          { ...options.source, input },
          {
            ...{ runs: folder, runId, dashboard: "off", host: "127.0.0.1" },
            ...(before ? { resume: true } : {}),
            ...(options.workers === undefined ? {} : { workers: options.workers }),
          },
          note,
        );
        interrupts.attach(launched, note);
        const silent = { take: () => undefined, note, close: () => undefined };
        const result = await followRun(launched, silent);
        if (interrupts.count > 0) return "interrupted";
        if (result.state !== "finished")
          throw new UserError({
            what: `the run ${result.state}: ${result.reason ?? "no reason given"}`,
            where: result.directory,
            mend: `see why: npx latentweave logs ${runId} --runs ${folder}`,
          });
        note(`${at + 1} of ${runs.length}: ${title}: ${formatDuration(result.elapsedMs)}`);
      }
      done.push(run);
    }
  } finally {
    interrupts.release();
  }
  return done;
}

/** What is there already must be a run of this very job: its figures would be another job's. */
async function requireSameJob(
  directory: string,
  job: ResolvedJob,
  { mayDiffer, mend }: SeriesOptions,
): Promise<void> {
  const before = await readTable(path.join(directory, "job.json"));
  const [change] = compareJobs(before, job).filter(({ path: field }) => !mayDiffer.test(field));
  if (!change) return;
  throw new UserError({
    what: `this run is of another job: ${change.path} was ${JSON.stringify(change.before)}, is ${JSON.stringify(change.after)}`,
    where: directory,
    expected: "runs of this job, with the same steps",
    mend,
  });
}
