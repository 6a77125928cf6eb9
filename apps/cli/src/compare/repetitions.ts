import { UserError } from "@latentweave/protocol";
import type { Side, SideRun } from "./choose-sides.ts";

/** One repetition of a side: every task once, in one run or in a run each. */
export interface Repetition {
  readonly seed: number;
  /** By task. */
  readonly runs: ReadonlyMap<string, SideRun>;
}

/**
 * A side's runs by seed.
 * @throws UserError where a seed has a task twice, or lacks one that another seed has
 */
export function repetitionsOf({ label, runs }: Side): readonly Repetition[] {
  const bySeed = new Map<number, Map<string, SideRun>>();
  for (const run of runs) {
    const { seed } = run.job;
    const own = bySeed.get(seed) ?? new Map<string, SideRun>();
    bySeed.set(seed, own);
    for (const task of Object.keys(run.job.tasks)) {
      const before = own.get(task);
      if (before)
        throw new UserError({
          what: `the runs ${before.runId} and ${run.runId} both train the task "${task}" with seed ${seed}`,
          where: `side ${label}`,
          expected: "each task once for each seed",
          mend: "leave one of them out, or make them two sides",
        });
      own.set(task, run);
    }
  }
  const tasks = tasksOf(runs);
  for (const [seed, own] of bySeed) {
    const missing = tasks.filter((task) => !own.has(task));
    if (missing.length > 0)
      throw new UserError({
        what: `no run with seed ${seed} trains ${missing.map((task) => `"${task}"`).join(", ")}`,
        where: `side ${label}`,
        expected: "every task of the side for every seed",
        mend: `train what is missing, or leave seed ${seed} out`,
      });
  }
  return [...bySeed].sort(([a], [b]) => a - b).map(([seed, own]) => ({ seed, runs: own }));
}

/** In the order in which the runs have them. */
export function tasksOf(runs: readonly SideRun[]): string[] {
  return [...new Set(runs.flatMap(({ job }) => Object.keys(job.tasks)))];
}
