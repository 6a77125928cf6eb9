import type { StepPlan } from "./plan-step.ts";

/** Steps before anything can be told: the first ones warm kernels and caches up. */
const leastSteps = 5;
/** Steps that the median is taken over: enough to bear a few hiccups, few enough to follow a change of workers. */
const keptSteps = 31;

/** How long steps take, by those before. Per planned sample: evaluations differ from steps. */
export interface StepPace {
  /** Milliseconds, by the median of the newest steps; undefined while there are too few. */
  expectedMs(plan: StepPlan): number | undefined;
  took(plan: StepPlan, ms: number): void;
}

export function createStepPace(): StepPace {
  /** Milliseconds of a sample, oldest first. */
  const rates: number[] = [];
  return {
    expectedMs(plan) {
      if (rates.length < leastSteps) return undefined;
      const median = rates.toSorted((a, b) => a - b)[rates.length >> 1] as number;
      return median * samplesOf(plan);
    },
    took(plan, ms) {
      rates.push(ms / samplesOf(plan));
      if (rates.length > keptSteps) rates.shift();
    },
  };
}

function samplesOf(plan: StepPlan): number {
  const samples = plan.rounds.flatMap((round) => round.tasks).reduce((sum, task) => sum + task.samples, 0);
  return Math.max(1, samples);
}
