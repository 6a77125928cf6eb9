import { isWeighing, type RunSpec, type WeighingRule } from "@latentweave/plan";

/**
 * What the rows and columns of inner products are of: tasks in job order; or, under a robust rule that weighs a task's
 * micro-batches by their products, the slots of all tasks, task after task.
 */
export interface ProductRows {
  readonly count: number;
  /** The first row of each task, and the end. */
  readonly starts: readonly number[];
  /** The rule that weighs slots; undefined: a row is a task. */
  readonly rule: WeighingRule | undefined;
}

export function productRows({ robust, tasks }: Pick<RunSpec, "robust" | "tasks">): ProductRows {
  const rule = isWeighing(robust) ? robust : undefined;
  const starts = [0];
  for (const { slots } of tasks) starts.push((starts.at(-1) as number) + (rule ? slots : 1));
  return { count: starts.at(-1) as number, starts, rule };
}
