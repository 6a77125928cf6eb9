import type { LeaderState } from "@latentweave/plan";
import type { PausedTask } from "@latentweave/protocol";

type Pause = Omit<PausedTask, "task">;
type PauseState = NonNullable<LeaderState["paused"]>;

/**
 * Tasks that change nothing for a while, because their numbers were not finite. Changes by what is decided alone, so that
 * every replay comes to the same.
 */
export interface Pauses {
  /** By their place in the job. */
  at(step: number): ReadonlySet<number>;
  /** The task is left out from `step` on, for as long as the job says. */
  begin(task: number, step: number, why: string): void;
  /** For the record: the newest pause of each of these tasks, in job order. */
  told(tasks: ReadonlySet<number>): readonly PausedTask[];
  readonly state: PauseState;
}

/**
 * @param tasks names, in job order
 * @param retryAfterSteps 0: a paused task is never tried again
 */
export function createPauses(
  tasks: readonly string[],
  retryAfterSteps: number,
  restored: PauseState = {},
): Pauses {
  const pauses = new Map(Object.entries(restored));
  const isOver = ({ until }: Pause, step: number): boolean => until !== null && until <= step;
  const each = <Value>(take: (pause: Pause, task: number, name: string) => Value): Value[] =>
    tasks.flatMap((name, task) => {
      const pause = pauses.get(name);
      return pause ? [take(pause, task, name)] : [];
    });
  return {
    at: (step) => new Set(each((pause, task) => (isOver(pause, step) ? [] : [task])).flat()),
    begin(task, step, why) {
      for (const [name, pause] of pauses) if (isOver(pause, step)) pauses.delete(name);
      const until = retryAfterSteps > 0 ? step + retryAfterSteps : null;
      pauses.set(tasks[task] as string, { since: step, until, why });
    },
    told: (wanted) =>
      each((pause, task, name) => (wanted.has(task) ? [{ task: name, ...pause }] : [])).flat(),
    get state() {
      return Object.fromEntries(each((pause, _, name) => [name, pause] as const));
    },
  };
}
