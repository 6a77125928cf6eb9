import type { StepPlan } from "./plan-step.ts";
import { ownTasks, type RunSpec } from "./run-spec.ts";

/** What was recorded of a task in a round: sums over so many samples. */
interface RecordedSums {
  readonly task: string;
  readonly round: number;
  readonly samples: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Mean loss per task on held-out rows, in the spec's order: NaN where it was not finite, undefined where nothing was
 * measured. Undefined where the step evaluates nothing.
 */
export function evaluatedLosses(
  spec: Pick<RunSpec, "tasks">,
  plan: Pick<StepPlan, "rounds">,
  records: readonly RecordedSums[],
): (number | undefined)[] | undefined {
  const round = plan.rounds.find(({ program }) => program === "evaluate")?.index;
  if (round === undefined) return undefined;
  return spec.tasks.map(({ name }) => {
    const record = records.find((entry) => entry.task === name && entry.round === round);
    return record && (record.metrics.loss ?? Number.NaN) / record.samples;
  });
}

/** The job's own tasks, each with its baseline's loss beside its own. @param losses in the spec's order */
export function besideBaselines(
  spec: Pick<RunSpec, "tasks">,
  losses: readonly (number | undefined)[],
): { readonly loss: number; readonly baseline: number }[] {
  return ownTasks(spec).map(({ name }, task) => {
    const baseline = spec.tasks.findIndex(({ baselineOf }) => baselineOf === name);
    return { loss: losses[task] ?? Number.NaN, baseline: losses[baseline] ?? Number.NaN };
  });
}
