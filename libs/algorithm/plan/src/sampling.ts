import { type Arithmetic, loadArithmetic } from "@latentweave/arithmetic";
import type { ResolvedJob, ResolvedSampling } from "@latentweave/job";
import { mostShare, rowsNearest } from "./adaptive-sampling.ts";
import type { AdaptiveSpec } from "./run-spec.ts";

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
    const most = sampling.samples * largestShare(sampling, share);
    const slots = Math.min(rows, Math.ceil(Math.max(samples, most) / task.microBatch));
    const wanted = samples / slots;
    const microBatch =
      sampling.strategy === "adaptive"
        ? rowsNearest(wanted, task.microBatch)
        : Math.max(1, Math.round(wanted));
    const factor = sampling.strategy === "uniform" ? 1 : names.length * share;
    return [name, { ...task, slots, microBatch, weight: task.weight * factor }] as const;
  });
  return { ...job, tasks: Object.fromEntries(tasks) };
}

/** A task has as many slots as its largest share may need: where sampling follows losses, more than at first. */
function largestShare(sampling: ResolvedSampling, share: number): number {
  if (sampling.strategy !== "adaptive") return share;
  return mostShare(share, sampling.limit, sampling.strength, loadArithmetic());
}

/** What a run needs to deal anew; undefined where the job does not have it. @param job as it is before `dealSampling` */
export function adaptiveSpec(
  { sampling, tasks }: Pick<ResolvedJob, "sampling" | "tasks">,
  trainingRows: Readonly<Record<string, number>>,
): AdaptiveSpec | undefined {
  if (sampling?.strategy !== "adaptive") return undefined;
  const { samples, strength, limit } = sampling;
  const rows = Object.keys(tasks).map((name) => trainingRows[name] ?? 0);
  return {
    ...{ samples, strength, limit },
    shares: sampleShares(sampling, rows),
    most: Object.values(tasks).map(({ microBatch }) => microBatch),
  };
}

/** Of all samples, by the tasks' training rows; they add up to 1. */
export function sampleShares(
  sampling: ResolvedSampling,
  rows: readonly number[],
  arithmetic: Pick<Arithmetic, "pow"> = loadArithmetic(),
): readonly number[] {
  const sizes = rows.map((count) => {
    if (sampling.strategy === "proportional") return count;
    const temperature = "temperature" in sampling ? sampling.temperature : undefined;
    return temperature === undefined ? 1 : arithmetic.pow(count, 1 / temperature);
  });
  const all = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size) => size / all);
}
