import type { CommitRecord, TaskRecord } from "@latentweave/protocol";
import { planStep, type StepPlan } from "./plan-step.ts";
import { evaluatedLosses } from "./evaluated-losses.ts";
import { ownTasks, type RunSpec } from "./run-spec.ts";

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
  if (plan.phase !== spec.phases.length - 1) return undefined;
  // A guard's baselines, behind all tasks, are trained beside these, not for their own sake.
  const own = ownTasks(spec);
  return evaluatedLosses(spec, plan, records)
    ?.slice(0, own.length)
    .reduce<number>((sum, loss, task) => {
      if (loss === undefined) return sum;
      return sum + (Number.isNaN(loss) ? Number.POSITIVE_INFINITY : loss) * (own[task]?.weight ?? 1);
    }, 0);
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
