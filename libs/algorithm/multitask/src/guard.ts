/** What is done about a task that is harmed. */
export type GuardAction = "branch" | "detach" | "reweight";

/** What the guard goes by; a run's spec has it as it is. */
export interface GuardRule {
  readonly action: GuardAction;
  /** Harm that is let pass, as a share of the baseline's loss. */
  readonly tolerance: number;
  /** Evaluations that are judged together. */
  readonly patience: number;
  /** No decision is taken before this step. */
  readonly fromStep: number;
  /** `branch`: the shared parameters go on learning from the task; true when absent. */
  readonly teaches?: boolean | undefined;
  /** `reweight`: what a harmed task's weight is multiplied with, and the most that it comes to. */
  readonly factor?: number | undefined;
  readonly most?: number | undefined;
}

/** Of one task; plain data, so that it can be checkpointed. */
export interface GuardedTask {
  /** Multiplies what the combiner gives the task; 0: the shared parameters do not learn from it any more. */
  readonly factor: number;
  /** Nothing further is decided about it. */
  readonly left: boolean;
  /** The newest harms, the oldest first, `patience` of them at most. */
  readonly harms: readonly number[];
}

export type GuardState = readonly GuardedTask[];

export interface GuardDecision {
  /** Among the tasks that are watched. */
  readonly task: number;
  readonly action: GuardAction;
  /** By which share of the baseline's loss the task's was above it: mean over the evaluations that were judged. */
  readonly harm: number;
  readonly factor: number;
}

/** A task's loss on held-out rows, and that of the same task alone, at one step. */
export interface GuardedLoss {
  readonly loss: number;
  readonly baseline: number;
}

/** Harm beyond this is that of a loss which is no number, or has a baseline of zero: it must stay one, as JSON. */
const mostHarm = 1e6;

export function beginGuard(taskCount: number): GuardState {
  return Array.from({ length: taskCount }, () => ({ factor: 1, left: false, harms: [] }));
}

/**
 * Watches tasks that learn together beside the same tasks alone. A task is harmed beyond noise when the mean of its last
 * `patience` harms less two of its standard errors is above the tolerance; harm is (loss − baseline)/|baseline|. Then
 * `branch` lets it go on as its baseline does, `detach` takes its gradient from the shared parameters, both for good, and
 * `reweight` multiplies its weight, again after as many further evaluations. The last evaluation measures the weights that
 * the run leaves: it is judged by itself, and only `branch` has something to decide by it.
 *
 * Pure, of numbers and + − × ÷ √ alone: the same decisions everywhere.
 *
 * @param losses one per task; undefined where nothing was measured
 */
export function judge(
  rule: GuardRule,
  before: GuardState,
  at: {
    readonly step: number;
    readonly last: boolean;
    readonly losses: readonly (GuardedLoss | undefined)[];
  },
): { readonly state: GuardState; readonly decisions: readonly GuardDecision[] } {
  const decisions: GuardDecision[] = [];
  const state = before.map((task, index): GuardedTask => {
    const measured = at.losses[index];
    const newest = measured && harmOf(measured);
    if (task.left || newest === undefined) return task;
    const harms = [...task.harms, newest].slice(-rule.patience);
    const judged = at.last ? [newest] : harms.length === rule.patience ? harms : [];
    const harm = judged.length === 0 ? 0 : meanOf(judged);
    const isHarmed = judged.length > 0 && harm - 2 * standardError(judged) > rule.tolerance;
    const next = at.step >= rule.fromStep && isHarmed ? afterHarm(rule, task, at.last) : undefined;
    if (!next) return { ...task, harms };
    decisions.push({ task: index, action: rule.action, harm, factor: next.factor });
    // What comes next is measured anew: these harms are of another weight.
    return { ...next, harms: [] };
  });
  return { state, decisions };
}

/** Undefined: there is nothing that could be done. */
function afterHarm(
  rule: GuardRule,
  { factor: before }: GuardedTask,
  last: boolean,
): Pick<GuardedTask, "factor" | "left"> | undefined {
  if (rule.action === "branch") return { factor: rule.teaches === false ? 0 : before, left: true };
  // No step follows that would learn anything by it.
  if (last) return undefined;
  if (rule.action === "detach") return { factor: 0, left: true };
  const factor = Math.min(rule.most ?? 1, before * (rule.factor ?? 1));
  return factor > before ? { factor, left: false } : undefined;
}

/** Undefined: there is nothing to compare with. */
function harmOf({ loss, baseline }: GuardedLoss): number | undefined {
  if (!Number.isFinite(baseline)) return undefined;
  if (!Number.isFinite(loss)) return mostHarm;
  if (loss === baseline) return 0;
  // JSON has no minus zero.
  return Math.max(-mostHarm, Math.min(mostHarm, (loss - baseline) / Math.abs(baseline))) + 0;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of the mean; 0 for one value, which says nothing of how much values differ. */
function standardError(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
