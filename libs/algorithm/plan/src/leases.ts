import { innerSteps } from "./mode.ts";
import type { RunSpec } from "./run-spec.ts";
import type { RoundPlan, TaskRound } from "./plan-step.ts";

/** A range of a task's training slots; evaluation slots follow in proportion. */
export interface LeaseRange {
  readonly task: string;
  readonly start: number;
  readonly end: number;
}

/** The slots of a round's task that a lease covers. Leases that split the training slots split these just so. */
export function leasedSlots(
  spec: RunSpec,
  round: RoundPlan,
  task: TaskRound,
  lease: LeaseRange,
): { start: number; end: number } {
  const trainingSlots = spec.tasks[task.taskIndex]?.slots ?? 0;
  if (round.program === "gradient" || trainingSlots === 0) return { start: lease.start, end: lease.end };
  const scale = (slot: number): number => Math.floor((slot * task.slots) / trainingSlots);
  return { start: scale(lease.start), end: scale(lease.end) };
}

/** How many samples a slot has: full micro-batches in training, a short last one in evaluation. */
export function slotSamples(
  spec: Pick<RunSpec, "mode">,
  round: Pick<RoundPlan, "program">,
  task: TaskRound,
  slot: number,
): number {
  if (round.program === "gradient") return task.rows * innerSteps(spec);
  return Math.min(task.rows, task.samples - slot * task.rows);
}

/** How many micro-batches a slot computes, one after the other. */
export function slotMicroBatches(spec: Pick<RunSpec, "mode">, round: Pick<RoundPlan, "program">): number {
  return round.program === "gradient" ? innerSteps(spec) : 1;
}
