import { type Arithmetic, loadArithmetic } from "@latentweave/arithmetic";
import type { ResolvedJob, ResolvedSampling } from "@latentweave/job";

/**
 * The job with its sampling made into what every step then does: numbers of slots and samples, and weights, for each task.
 * They follow from the job and its rows alone, and are the same at every step: nothing is drawn, so that no step is without
 * a task and no combiner meets a gradient that is not there.
 *
 * A task's share p of the samples is that of rows^(1/temperature) (`proportional`: 1; `uniform`: the same for all). Its
 * samples in a step are the part nearest to p of all, one at least, in micro-batches of at most its own size. Because
 * that is whole numbers, and one at least, the objective is kept by the weight: T·p times the task's own. So the sum over
 * tasks is T times the mean loss over samples drawn with the shares p, exactly, whatever the rounding.
 * @param trainingRows of each task
 */
export function dealSampling(job: ResolvedJob, trainingRows: Readonly<Record<string, number>>): ResolvedJob {
  const { sampling } = job;
  if (!sampling) return job;
  const names = Object.keys(job.tasks);
  const shares = sampleShares(
    sampling,
    names.map((name) => trainingRows[name] ?? 0),
  );
  const tasks = Object.entries(job.tasks).map(([name, task], index) => {
    const share = shares[index] as number;
    const samples = Math.max(1, Math.round(sampling.samples * share));
    const rows = Math.max(1, trainingRows[name] ?? 1);
    const slots = Math.min(rows, Math.ceil(samples / task.microBatch));
    const microBatch = Math.max(1, Math.round(samples / slots));
    const factor = sampling.strategy === "uniform" ? 1 : names.length * share;
    return [name, { ...task, slots, microBatch, weight: task.weight * factor }] as const;
  });
  return { ...job, tasks: Object.fromEntries(tasks) };
}

/** Of all samples, by the tasks' training rows; they add up to 1. */
export function sampleShares(
  sampling: ResolvedSampling,
  rows: readonly number[],
  arithmetic: Pick<Arithmetic, "pow"> = loadArithmetic(),
): readonly number[] {
  const sizes = rows.map((count) => {
    if (sampling.strategy === "uniform") return 1;
    return sampling.strategy === "proportional" ? count : arithmetic.pow(count, 1 / sampling.temperature);
  });
  const all = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size) => size / all);
}
