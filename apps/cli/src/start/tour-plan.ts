import { findNativeRuntime } from "@latentweave/native";
import type { ResolvedJob } from "@latentweave/job";

/** How long the tour's runs are, and where in them something happens. */
export interface TourPlan {
  /** Settings as `--set` takes them: the same for every run of the tour. */
  readonly settings: readonly string[];
  readonly steps: number;
  /** A worker is killed once this many steps are committed. */
  readonly killStep: number;
  /** The checkpoint at which the killed run is compared with an undisturbed one; after `killStep`. */
  readonly compareStep: number;
  /** False: a slow backend, for which the job is a small one. */
  readonly isNative: boolean;
  /** Long enough to do better than PCA. */
  readonly mustBeatPca: boolean;
}

/** Steps of the whole tour with native TensorFlow, and of one for a backend thirty times slower. */
const nativeSteps = 800;
const slowSteps = 90;

/**
 * The worker is killed after a third of the steps; the comparison follows soon, at five twelfths, because the
 * undisturbed run has to go that far.
 * @param asked steps in place of those that suit the backend
 */
export function planTour(asked?: number, isNative = findNativeRuntime() !== null): TourPlan {
  const steps = asked ?? (isNative ? nativeSteps : slowSteps);
  const killStep = Math.ceil(steps / 3);
  const compareStep = Math.max(killStep + 1, Math.floor((steps * 5) / 12));
  return {
    settings: [
      `steps=${steps}`,
      // Every checkpoint is kept, so that the one to be compared is still there at the end.
      `checkpoints.everySteps=${compareStep}`,
      `checkpoints.keep=${Math.ceil(steps / compareStep) + 1}`,
      `evaluate.everySteps=${killStep}`,
    ],
    ...{ steps, killStep, compareStep, isNative },
    mustBeatPca: isNative && steps >= nativeSteps,
  };
}

/** The same job with one of its tasks alone: as many steps, as many samples of that task in each. */
export function aloneJob(job: ResolvedJob, task: string): ResolvedJob {
  const own = job.tasks[task];
  if (!own) throw new RangeError(`the job has no task "${task}"`);
  return {
    ...job,
    name: `${job.name}: ${task} alone`,
    tasks: { [task]: own },
    evaluate: { ...job.evaluate, everySteps: 0 },
    checkpoints: { everySteps: 0, keep: 1, best: false },
    launcher: { kind: "local", workers: 1, shards: 1, placement: "dedicated", hostAggregation: "auto" },
  };
}
