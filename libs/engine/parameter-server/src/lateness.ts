import type { StepPlan } from "@latentweave/plan";
import type { Clock } from "@latentweave/protocol";

/** Below this a step is never called late: as long as a garbage collection and a busy core may take together. */
const floorMs = 200;
/** A step may take this much longer than the median one before somebody else is asked for what is missing. */
const patience = 1.5;
/** Steps before anything is called late: the first ones warm kernels and caches up. */
const leastSteps = 5;
/** Steps that the median is taken over: enough to bear a few hiccups, few enough to follow a change of workers. */
const keptSteps = 31;

/** Notices that a step in progress takes longer than steps do. Measured per planned sample: evaluations differ from steps. */
export interface Lateness {
  opened(plan: StepPlan): void;
  /** Committed, or given up. */
  closed(plan: StepPlan | undefined): void;
}

export function createLateness(options: {
  readonly clock: Clock;
  /** The step in progress is overdue; called again every time as long has passed. */
  readonly onLate: () => void;
}): Lateness {
  const { clock } = options;
  const rates: number[] = [];
  let openedMs = 0;
  let cancel: (() => void) | undefined;

  const wait = (delayMs: number): void => {
    cancel = clock.after(delayMs, () => {
      wait(delayMs);
      options.onLate();
    });
  };

  return {
    opened(plan) {
      cancel?.();
      openedMs = clock.nowMs();
      if (rates.length < leastSteps) return;
      const median = [...rates].sort((a, b) => a - b)[rates.length >> 1] as number;
      wait(patience * median * samplesOf(plan) + floorMs);
    },
    closed(plan) {
      cancel?.();
      cancel = undefined;
      if (!plan) return;
      rates.push((clock.nowMs() - openedMs) / Math.max(1, samplesOf(plan)));
      if (rates.length > keptSteps) rates.shift();
    },
  };
}

function samplesOf(plan: StepPlan): number {
  return plan.rounds.flatMap((round) => round.tasks).reduce((sum, task) => sum + task.samples, 0);
}
