import type { ParameterLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import type { MessageOf } from "@latentweave/protocol";

export type RecordedGradients = NonNullable<MessageOf<"committed">["gradients"]>;

/**
 * Whether the record of this step says how the tasks' gradients lie to each other. It follows from the job and the step
 * alone: every shard answers alike, and the record is the same whatever the cluster.
 */
export function recordsGradients(
  { cosinesEverySteps: every = 0, tasks }: Pick<RunSpec, "cosinesEverySteps" | "tasks">,
  layout: ParameterLayout,
  step: number,
): boolean {
  return every > 0 && step % every === 0 && tasks.length > 1 && layout.groups.some(({ shared }) => shared);
}

/**
 * @param gram row-major inner products of the gradients of the shared parameters, over all tasks
 * @param taskCount how many of them the record is of: the first ones, which are no baselines
 */
export function recordedGradients(
  gram: Float64Array,
  taskCount: number,
  all: number = taskCount,
): RecordedGradients {
  const norms = Array.from({ length: taskCount }, (_, task) => Math.sqrt(gram[task * (all + 1)] ?? 0));
  const cosines: (number | null)[] = [];
  for (let i = 0; i < taskCount; i++)
    for (let j = i + 1; j < taskCount; j++) {
      const product = gram[i * all + j] ?? 0;
      // Exactly 0 where no block has a gradient of both: a phase of tasks that have nothing to do with each other.
      const scale = (norms[i] ?? 0) * (norms[j] ?? 0);
      cosines.push(product === 0 || scale === 0 ? null : rounded(product / scale));
    }
  return { norms: norms.map(rounded), cosines };
}

/** For people and curves; six digits keep the record short, as T² of them may be told. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
