import path from "node:path";
import { compareJobs, readTable } from "@latentweave/checkpoint";
import type { JobInput, ResolvedJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { loadModel, loadReportBackend } from "../report/load-model.ts";
import { measureModel, type Measured } from "../report/measure-model.ts";
import { openRun } from "../report/open-run.ts";
import { measuredSplit, readWhole } from "../report/read-split.ts";
import { describeRun } from "../runs/describe-run.ts";
import { train } from "../train/train-job.ts";
import type { PlannedRun } from "./transfer-plan.ts";

export interface TransferredRun extends Omit<PlannedRun, "job"> {
  readonly steps: number;
  readonly split: string;
  readonly measured: Measured;
}

/**
 * Trains what is planned, one run after the other, and measures each on held-out rows. A run that is there already,
 * finished and of the same job, is not made again, and one that was interrupted goes on.
 * @returns undefined when it was interrupted
 * @throws UserError when a run fails, or is there and of another job
 */
export async function runTransfer(
  planned: readonly PlannedRun[],
  options: {
    readonly runs: string;
    readonly jobDirectory: string;
    readonly workers: number | undefined;
    readonly signal: AbortSignal;
    readonly log: (line: string) => void;
  },
): Promise<readonly TransferredRun[] | undefined> {
  const { runs, log, signal } = options;
  const backend = await loadReportBackend();
  const results: TransferredRun[] = [];
  for (const [index, { job, ...run }] of planned.entries()) {
    const directory = path.join(runs, run.runId);
    const before = await stateOf(directory, job);
    if (before !== "finished") {
      log(`${index + 1} of ${planned.length}: ${run.runId}`);
      const { state } = await train(asInput(job), {
        ...{ directory: options.jobDirectory, runs, runId: run.runId, signal },
        resume: before === "begun",
        ...(options.workers !== undefined && { workers: options.workers }),
      });
      if (state !== "finished") return undefined;
    }
    const opened = await openRun(directory, log);
    const task = opened.tasks[0];
    if (!task) throw new RangeError("a run without a task");
    const split = measuredSplit(task, undefined);
    const rows = await readWhole(task, split);
    const compute = await loadModel(opened, backend);
    const place = { phase: opened.phase, graph: task.graph, width: task.manifest.x.width };
    const measured = await measureModel(compute, place, rows).finally(() => compute.close());
    results.push({ ...run, steps: opened.version, split, measured });
  }
  return results;
}

/** A resolved job is a job again, which its types do not say. */
function asInput(job: ResolvedJob): JobInput {
  return job as unknown as JobInput;
}

async function stateOf(directory: string, job: ResolvedJob): Promise<"none" | "begun" | "finished"> {
  const before = await readTable(path.join(directory, "job.json"));
  if (!before) return "none";
  const [change] = compareJobs(before, job).filter(({ path: field }) => !/^launcher\b/.test(field));
  if (change)
    throw new UserError({
      what: `there is a run of this name, of another job: ${change.path} was ${JSON.stringify(change.before)}, is ${JSON.stringify(change.after)}`,
      where: directory,
      expected: "no such run, or one of the same job",
      mend: "remove it, or choose another folder with --runs",
    });
  return (await describeRun(directory)).state === "finished" ? "finished" : "begun";
}
