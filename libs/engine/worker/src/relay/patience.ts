import type { StepPlan } from "@latentweave/plan";
import type { Clock } from "@latentweave/protocol";

/**
 * How long a relay waits for those whose part of a sum is missing: less than the leader does before it calls a step late
 * (1.5 times the median and 200 ms), so that nobody is taken for late but who is.
 */
const patience = 1.25;
/** A garbage collection, or a core that somebody else uses for a moment. */
const floorMs = 100;
/** As the leader's: steps before anything is measured well enough, and those that the median is taken over. */
const leastSteps = 5;
const keptSteps = 31;

/** Notices that some of a step's parts take longer than they do. Per planned sample: evaluations differ from steps. */
export interface Patience {
  opened(plan: StepPlan): void;
  /** Everything has come. */
  complete(): void;
  closed(): void;
}

export function createPatience(options: { readonly clock: Clock; readonly onOver: () => void }): Patience {
  const { clock } = options;
  const rates: number[] = [];
  let current: { readonly samples: number; readonly openedMs: number } | undefined;
  let cancel: (() => void) | undefined;
  const closed = (): void => {
    cancel?.();
    cancel = undefined;
    current = undefined;
  };
  return {
    opened(plan) {
      closed();
      const samples = Math.max(1, samplesOf(plan));
      current = { samples, openedMs: clock.nowMs() };
      if (rates.length < leastSteps) return;
      const median = [...rates].sort((a, b) => a - b)[rates.length >> 1] as number;
      cancel = clock.after(patience * median * samples + floorMs, options.onOver);
    },
    complete() {
      if (!current) return;
      rates.push((clock.nowMs() - current.openedMs) / current.samples);
      if (rates.length > keptSteps) rates.shift();
      closed();
    },
    closed,
  };
}

function samplesOf(plan: StepPlan): number {
  return plan.rounds.flatMap((round) => round.tasks).reduce((sum, task) => sum + task.samples, 0);
}
