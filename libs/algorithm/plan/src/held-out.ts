import type { CommitRecord, TaskRecord } from "@latentweave/protocol";
import { planStep, type StepPlan } from "./plan-step.ts";
import type { RunSpec } from "./run-spec.ts";

/** A run ends when what it evaluates has not become better so many times in a row. */
export interface EarlyStopSpec {
  /** Evaluations. */
  readonly patience: number;
  /** By how much the loss must be below the least so far to count as better. */
  readonly minDelta: number;
}

/** What is remembered for that from evaluation to evaluation; plain data. */
export interface EarlyStopState {
  /** The least loss so far; null before there is one. */
  readonly best: number | null;
  /** Evaluations since then. */
  readonly since: number;
  readonly ended: boolean;
}

export const freshEarlyStop: EarlyStopState = { best: null, since: 0, ended: false };

/**
 * The held-out loss of the weights that a step was computed on, in one number: the sum of the tasks' mean losses, each
 * times its weight, as training sums them. Undefined where the step evaluates nothing, and before the last phase, whose
 * losses are of other graphs. Infinite where a task's loss was not finite.
 */
export function heldOutLoss(
  spec: RunSpec,
  plan: Pick<StepPlan, "phase" | "rounds">,
  records: readonly Pick<TaskRecord, "task" | "round" | "samples" | "metrics">[],
): number | undefined {
  const round = plan.rounds.find(({ program }) => program === "evaluate");
  if (!round || plan.phase !== spec.phases.length - 1) return undefined;
  let sum = 0;
  for (const { task, taskIndex } of round.tasks) {
    const record = records.find((one) => one.task === task && one.round === round.index);
    // A guard's baselines are trained beside the job's tasks, not for their own sake.
    if (!record || spec.tasks[taskIndex]?.baselineOf !== undefined) continue;
    const mean = (record.metrics.loss ?? Number.POSITIVE_INFINITY) / record.samples;
    sum += mean * (spec.tasks[taskIndex]?.weight ?? 1);
  }
  return sum;
}

/** Pure: what is remembered after one more evaluation. */
export function afterEvaluation(rule: EarlyStopSpec, state: EarlyStopState, loss: number): EarlyStopState {
  const isBetter = state.best === null ? Number.isFinite(loss) : loss < state.best - rule.minDelta;
  if (isBetter) return { best: loss, since: 0, ended: false };
  const since = state.since + 1;
  return { best: state.best, since, ended: since >= rule.patience };
}

/**
 * Follows the recorded evaluations by the job's rule. To be asked of each commit in effect, in order.
 * @returns whether the run ends with the commit, before its steps are over; undefined where the job has no such rule
 */
export function earlyEnd(
  spec: RunSpec,
): ((commit: Pick<CommitRecord, "step" | "version" | "tasks">) => boolean) | undefined {
  const rule = spec.stopEarly;
  if (!rule) return undefined;
  let state = freshEarlyStop;
  return ({ step, version, tasks }) => {
    // The closing evaluation changes nothing, and nothing follows it anyhow.
    if (version === step) return false;
    const plan = planStep(spec, step);
    const loss = heldOutLoss(spec, plan, tasks);
    if (loss === undefined) return false;
    state = afterEvaluation(rule, state, loss);
    return state.ended && !plan.last;
  };
}
