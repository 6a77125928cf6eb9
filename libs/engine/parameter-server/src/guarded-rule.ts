import { beginGuard, type GuardState, judge } from "@latentweave/multitask";
import { besideBaselines, type GuardSpec, ownTasks, type RunSpec } from "@latentweave/plan";
import type { CombineRule } from "./combine-rule.ts";

export interface GuardedRule extends Pick<CombineRule, "solve" | "watch"> {
  readonly guard: GuardState;
}

/**
 * A combiner among the job's own tasks, whose weights the guard multiplies. Of a task that has left the shared parameters
 * a combiner sees a gradient of zero. Baselines share nothing, are nobody's to combine, and weigh 1.
 *
 * @param combiner of a run with the job's own tasks
 */
export function createGuardedRule(
  spec: RunSpec,
  rule: GuardSpec,
  combiner: Pick<CombineRule, "solve">,
  restored: GuardState | undefined,
): GuardedRule {
  const tasks = ownTasks(spec);
  const all = spec.tasks.length;
  let guard = restored ?? beginGuard(tasks.length);
  const factorOf = (task: number): number => guard[task]?.factor ?? 1;

  return {
    watch({ losses, step, last }) {
      const judged = judge(rule, guard, { step, last, losses: besideBaselines(spec, losses) });
      // The closing evaluation is of a version whose checkpoint may be written already: it leaves no trace but the record,
      // so that it can be repeated.
      if (!last) guard = judged.state;
      return judged.decisions;
    },
    solve({ gram, losses, step, leftOut = new Set(), rowShares }) {
      // With nobody left to combine, no method has anything to say.
      const weights = tasks.every((_, task) => factorOf(task) === 0)
        ? tasks.map(() => 1)
        : combiner.solve({
            gram: gram && amongPresent(gram, all, tasks.length, (task) => factorOf(task) !== 0),
            losses: losses.slice(0, tasks.length),
            ...{ step, rowShares },
            leftOut: new Set([...leftOut].filter((task) => task < tasks.length)),
          });
      return spec.tasks.map((_, task) => (leftOut.has(task) ? 0 : (weights[task] ?? 1) * factorOf(task)));
    },
    get guard() {
      return guard;
    },
  };
}

/** The first `own` rows and columns of a matrix of `all`, zero where a task is not there. */
function amongPresent(
  gram: Float64Array,
  all: number,
  own: number,
  isPresent: (task: number) => boolean,
): Float64Array {
  const among = new Float64Array(own * own);
  for (let i = 0; i < own; i++)
    for (let j = 0; j < own; j++)
      if (isPresent(i) && isPresent(j)) among[i * own + j] = gram[i * all + j] ?? 0;
  return among;
}
