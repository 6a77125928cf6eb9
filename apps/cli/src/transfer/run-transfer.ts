import path from "node:path";
import { loadModel, loadReportBackend } from "../report/load-model.ts";
import type { Measured } from "../report/measure-model.ts";
import { measureTask } from "../report/measure-task.ts";
import { openRun } from "../report/open-run.ts";
import type { JobSource } from "../train/train-flags.ts";
import { trainSeries } from "../train/train-series.ts";
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
    readonly source: Omit<JobSource, "input">;
    readonly workers: number | undefined;
    readonly log: (line: string) => void;
  },
): Promise<readonly TransferredRun[] | undefined> {
  const { runs, source, workers, log } = options;
  const done = await trainSeries(
    planned.map((run) => ({ ...run, input: run.job, title: run.runId })),
    {
      ...{ source, folder: runs, workers, note: log },
      mayDiffer: /^launcher\b/,
      mend: "remove it, or choose another folder with --runs",
    },
  );
  if (done === "interrupted") return undefined;
  const backend = await loadReportBackend();
  const results: TransferredRun[] = [];
  for (const { runId, method, shots, seed } of done) {
    const run = await openRun(path.join(runs, runId), log);
    const [task] = run.tasks;
    if (!task) throw new RangeError("a run without a task");
    const compute = await loadModel(run, backend);
    const { split, measured } = await measureTask(compute, run, task).finally(() => compute.close());
    results.push({ runId, method, shots, seed, steps: run.version, split, measured });
  }
  return results;
}
