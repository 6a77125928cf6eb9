import { existsSync } from "node:fs";
import path from "node:path";
import { compareJobs, readTable } from "@latentweave/checkpoint";
import { type ResolvedJob, resolveJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { describeRun } from "../runs/describe-run.ts";
import { formatDuration } from "../show/numbers.ts";
import { followRun } from "../train/follow-run.ts";
import { catchInterrupts } from "../train/interrupts.ts";
import { startRun } from "../train/start-run.ts";
import type { JobSource } from "../train/train-flags.ts";
import type { AnalysisPlan, SubRun } from "./plan-analysis.ts";
import { subJob } from "./sub-job.ts";

export interface TrainSubRuns {
  readonly plan: AnalysisPlan;
  readonly job: ResolvedJob;
  readonly source: JobSource;
  readonly steps: number;
  /** Absolute: each run has a folder of its own in it. */
  readonly folder: string;
  readonly workers: number | undefined;
  /** No further run is begun after so long; undefined: no limit. */
  readonly budgetMs: number | undefined;
  readonly note: (line: string) => void;
}

/**
 * Trains what is not there yet: a run that has finished is never trained again, one that was interrupted goes on.
 * @returns the runs that are there, in the plan's order; or "interrupted" after Ctrl-C
 * @throws UserError when one fails
 */
export async function trainSubRuns(options: TrainSubRuns): Promise<readonly SubRun[] | "interrupted"> {
  const { plan, folder, note, budgetMs } = options;
  const startMs = performance.now();
  const interrupts = catchInterrupts();
  const done: SubRun[] = [];
  try {
    for (const [at, run] of plan.runs.entries()) {
      const directory = path.join(folder, run.runId);
      const before = existsSync(path.join(directory, "spec.json")) ? await describeRun(directory) : undefined;
      const input = subJob(options.job, run, options.steps);
      if (before) await requireSameJob(directory, resolveJob(input));
      if (before?.state !== "finished") {
        if (budgetMs !== undefined && performance.now() - startMs > budgetMs) continue;
        const told = `${at + 1} of ${plan.runs.length}: ${run.tasks.join(" and ")}, seed ${run.seed}`;
        const launched = await startRun(
          { ...options.source, input },
          {
            ...{ runs: folder, runId: run.runId, dashboard: "off", host: "127.0.0.1" },
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
            mend: `see why: npx latentweave logs ${run.runId} --runs ${folder}`,
          });
        note(`${told}: ${formatDuration(result.elapsedMs)}`);
      }
      done.push(run);
    }
  } finally {
    interrupts.release();
  }
  return done;
}

/** What is there already must be a run of this very job: its figures would be another job's. */
async function requireSameJob(directory: string, job: ResolvedJob): Promise<void> {
  const before = await readTable(path.join(directory, "job.json"));
  const [change] = compareJobs(before, job).filter(
    ({ path: field }) => !/^(launcher|checkpoints)\b/.test(field),
  );
  if (!change) return;
  throw new UserError({
    what: `this run is of another job: ${change.path} was ${JSON.stringify(change.before)}, is ${JSON.stringify(change.after)}`,
    where: directory,
    expected: "runs of this job, with the same steps",
    mend: "name another --folder, or remove this one",
  });
}
