import { createStepPace, type StepPlan } from "@latentweave/plan";
import type { Clock } from "@latentweave/protocol";

/** Below this a step is never called late: as long as a garbage collection and a busy core may take together. */
const floorMs = 200;
/** A step may take this much longer than the median one before somebody else is asked for what is missing. */
const patience = 1.5;

/** Notices that a step in progress takes longer than steps do. */
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
  const pace = createStepPace();
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
      const expectedMs = pace.expectedMs(plan);
      if (expectedMs !== undefined) wait(patience * expectedMs + floorMs);
    },
    closed(plan) {
      cancel?.();
      cancel = undefined;
      if (plan) pace.took(plan, clock.nowMs() - openedMs);
    },
  };
}
