import { beginGuard, type GuardState, judge } from "@latentweave/multitask";
import { besideBaselines, type GuardSpec, ownTasks, type RunSpec } from "@latentweave/plan";
import type { CombineRule } from "./combine-rule.ts";

/** What the two remember together, as JSON. */
interface Remembered {
  readonly combiner: unknown;
  readonly guard: GuardState;
}

/**
 * A combiner among the job's own tasks, whose weights the guard multiplies. Of a task that has left the shared parameters
 * a combiner sees a gradient of zero. Baselines share nothing, are nobody's to combine, and weigh 1.
 *
 * @param combinerOf the rule of a run with these tasks, going on from its state
 */
export function createGuardedRule(
  spec: RunSpec,
  rule: GuardSpec,
  combinerOf: (spec: RunSpec, restored: string | undefined) => CombineRule,
  restored: string | undefined,
): CombineRule {
  const tasks = ownTasks(spec);
  const all = spec.tasks.length;
  const before = restored === undefined ? undefined : (JSON.parse(restored) as Remembered);
  const combiner = combinerOf({ ...spec, tasks }, before && JSON.stringify(before.combiner));
  let guard = before?.guard ?? beginGuard(tasks.length);
  const factorOf = (task: number): number => guard[task]?.factor ?? 1;

  return {
    needsGram: combiner.needsGram,
    watch({ losses, step, last }) {
      const judged = judge(rule, guard, { step, last, losses: besideBaselines(spec, losses) });
      // The closing evaluation is of a version whose checkpoint may be written already: it leaves no trace but the record,
      // so that it can be repeated.
      if (!last) guard = judged.state;
      return judged.decisions;
    },
    solve({ gram, losses, step, leftOut = new Set() }) {
      // With nobody left to combine, no method has anything to say.
      const weights = tasks.every((_, task) => factorOf(task) === 0)
        ? tasks.map(() => 1)
        : combiner.solve({
            gram: gram && amongPresent(gram, all, tasks.length, (task) => factorOf(task) !== 0),
            losses: losses.slice(0, tasks.length),
            step,
            leftOut: new Set([...leftOut].filter((task) => task < tasks.length)),
          });
      return spec.tasks.map((_, task) => (leftOut.has(task) ? 0 : (weights[task] ?? 1) * factorOf(task)));
    },
    warning: () => combiner.warning?.(),
    state: () => {
      const remembered: Remembered = { combiner: JSON.parse(combiner.state()) as unknown, guard };
      return JSON.stringify(remembered);
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
