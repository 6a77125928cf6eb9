import type { ResolvedJob } from "@latentweave/job";
import { withSomeTasks } from "../train/some-tasks.ts";
import type { SubRun } from "./plan-analysis.ts";

/** Checkpoints of the run with all tasks, at which the affinities are taken. */
export const affinityPoints = 5;
/** Points of a cosine's course over a run. */
const cosinePoints = 50;

/** The job with some of its tasks: as many steps, and as many samples of each in every step. Unchecked still. */
export function subJob(job: ResolvedJob, run: SubRun, steps: number): unknown {
  const hasAll = run.tasks.length === Object.keys(job.tasks).length;
  return withSomeTasks(
    {
      ...job,
      name: `${job.name}: ${run.tasks.join(" and ")}`.slice(0, 100),
      seed: run.seed,
      ...{ steps, epochs: null },
      // What is measured here is sharing as it is.
      guard: null,
      cosines: { everySteps: Math.max(1, Math.floor(steps / cosinePoints)) },
      evaluate: { ...job.evaluate, everySteps: 0 },
      checkpoints: hasAll
        ? { everySteps: Math.ceil(steps / affinityPoints), keep: affinityPoints + 1 }
        : { everySteps: 0, keep: 1 },
    },
    run.tasks,
  );
}
