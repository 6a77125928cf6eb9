import { createStepPace, type StepPlan } from "@latentweave/plan";
import type { Clock } from "@latentweave/protocol";

/**
 * How long a relay waits for those whose part of a sum is missing: less than the leader does before it calls a step late
 * (1.5 times the median and 200 ms), so that nobody is taken for late but who is.
 */
const patience = 1.25;
/** A garbage collection, or a core that somebody else uses for a moment. */
const floorMs = 100;

/** Notices that some of a step's parts take longer than they do. */
export interface Patience {
  opened(plan: StepPlan): void;
  /** Everything has come. */
  complete(): void;
  closed(): void;
}

export function createPatience(options: { readonly clock: Clock; readonly onOver: () => void }): Patience {
  const { clock } = options;
  const pace = createStepPace();
  let current: { readonly plan: StepPlan; readonly openedMs: number } | undefined;
  let cancel: (() => void) | undefined;
  const closed = (): void => {
    cancel?.();
    cancel = undefined;
    current = undefined;
  };
  return {
    opened(plan) {
      closed();
      current = { plan, openedMs: clock.nowMs() };
      const expectedMs = pace.expectedMs(plan);
      if (expectedMs !== undefined) cancel = clock.after(patience * expectedMs + floorMs, options.onOver);
    },
    complete() {
      if (!current) return;
      pace.took(current.plan, clock.nowMs() - current.openedMs);
      closed();
    },
    closed,
  };
}
