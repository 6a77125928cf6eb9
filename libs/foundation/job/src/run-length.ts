import { UserError } from "@latentweave/protocol";
import type { ResolvedJob } from "./resolved-job.ts";

/** A stretch of a run that trains one phase of the model, in order. */
export interface RunPhase {
  /** As the model calls it. */
  readonly name: string;
  readonly steps: number;
  /** True where the optimiser (and the schedule) starts afresh. */
  readonly resetOptimiser: boolean;
}

/**
 * Steps of the whole run and of its phases.
 * An epoch is as many steps as the task takes that needs most of them for one pass over its training samples; smaller
 * tasks go round more often meanwhile.
 * @param trainingSamples of each task
 */
export function runLength(
  job: ResolvedJob,
  trainingSamples: Readonly<Record<string, number>>,
): { readonly steps: number; readonly phases: readonly RunPhase[] } {
  const steps = job.steps ?? Math.max(1, Math.ceil((job.epochs ?? 0) * stepsPerEpoch(job, trainingSamples)));
  if (job.model.kind !== "bank") return { steps, phases: [{ name: "train", steps, resetOptimiser: true }] };
  if (steps < 2)
    throw new UserError({
      where: "epochs",
      what: `${job.epochs ?? 0} epochs are a single step`,
      expected: "2 steps or more: a bank is trained in two phases",
      mend: "train for more epochs",
    });
  const pretrain = Math.min(steps - 1, Math.max(1, Math.round(steps * job.model.pretrain)));
  return {
    steps,
    phases: [
      { name: "pretrain", steps: pretrain, resetOptimiser: true },
      { name: "bank", steps: steps - pretrain, resetOptimiser: true },
    ],
  };
}

/** @param trainingSamples of each task */
export function stepsPerEpoch(job: ResolvedJob, trainingSamples: Readonly<Record<string, number>>): number {
  const batches = job.mode.kind === "diloco" ? job.mode.innerSteps : 1;
  return Math.max(
    ...Object.entries(job.tasks).map(([name, task]) =>
      Math.ceil((trainingSamples[name] ?? 0) / (task.microBatch * task.slots * batches)),
    ),
  );
}
