import { lastStep, planStep, type StepPlan, totalSteps } from "./plan-step.ts";
import type { RunSpec } from "./run-spec.ts";

/*
 * The modes `stale` and `async`: what is planned stays as it is, but planned steps are applied in the order in which
 * they come. Step n of the run (it makes version n + 1) applies planned step p, computed on version v, its basis; the
 * staleness is n - v. The run records (p, v) for each n.
 */

/** Whether planned steps are applied in an order of their own, which has to be recorded. */
export function isOrdered(spec: Pick<RunSpec, "mode">): boolean {
  return spec.mode?.kind === "stale" || spec.mode?.kind === "async";
}

/** Versions by which a basis may be behind. */
export function mostStaleness(spec: Pick<RunSpec, "mode">): number {
  return spec.mode?.kind === "stale" ? spec.mode.bound : Number.POSITIVE_INFINITY;
}

/** Into how many teams workers are dealt, each with a planned step of its own in hand: more would only grow stale. */
export function sideBySide(spec: Pick<RunSpec, "mode">, workers: number): number {
  return isOrdered(spec) ? Math.min(workers, mostStaleness(spec) + 1) : 1;
}

/**
 * The next version, after this one, that no gradient crosses: what is applied from it on was computed on it or later,
 * so that a run can be computed again from there. These are the versions that are checkpointed, the ends of phases, and
 * the last. Planned steps before it are handed out, and none after: so the steps between two fences are those planned
 * there, in some order. Beyond the last version there is the closing evaluation alone.
 */
export function fenceAfter(spec: RunSpec, version: number): number {
  const total = totalSteps(spec);
  if (version >= total) return lastStep(spec) + 1;
  const every = spec.checkpointEverySteps;
  const checkpoint = every > 0 ? (Math.floor(version / every) + 1) * every : total;
  let phaseEnd = 0;
  for (const { steps } of spec.phases) {
    phaseEnd += steps;
    if (phaseEnd > version) break;
  }
  return Math.min(checkpoint, phaseEnd);
}

/**
 * What step `step` of the run does when it applies planned step `planned`: the rounds and tasks are that one's; the
 * rate's schedule, the optimiser's count and what follows are those of its place.
 */
export function planApplied(spec: RunSpec, step: number, planned: number): StepPlan {
  return { ...planStep(spec, step), rounds: planStep(spec, planned).rounds };
}

/**
 * What the learning rate is multiplied with. In `async` one over (1 + staleness): after Zhang, Gupta, Lian and Liu,
 * "Staleness-aware Async-SGD for distributed deep learning" (IJCAI 2016), who divide by the staleness, which begins at
 * one with them.
 */
export function rateShare(spec: Pick<RunSpec, "mode">, staleness: number): number {
  return spec.mode?.kind === "async" ? 1 / (1 + staleness) : 1;
}
