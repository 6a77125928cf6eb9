import type { Arithmetic } from "@latentweave/arithmetic";
import type { ResolvedSchedule } from "@latentweave/job";

export type ScheduleConfig = ResolvedSchedule;

/**
 * The learning rate of a step.
 *
 * Warm-up: `base·(step+1)/warmupSteps` for step < warmupSteps, so the first step already moves and the last of the
 * warm-up has the whole rate. After it, with s = step − warmupSteps: constant; cosine (Loshchilov, Hutter, "SGDR",
 * ICLR 2017, one period) from base at s = 0 to finalShare·base at the last step; or base·factor^⌊s/everySteps⌋.
 *
 * @param step counted from 0 within the phase
 * @param totalSteps of the phase
 */
export function learningRateAt(
  schedule: ScheduleConfig,
  base: number,
  step: number,
  totalSteps: number,
  arithmetic: Pick<Arithmetic, "cos" | "pow">,
): number {
  if (!Number.isSafeInteger(step) || step < 0 || step >= totalSteps) {
    throw new RangeError(`step ${step} lies outside a phase of ${totalSteps} steps`);
  }
  const { warmupSteps } = schedule;
  if (step < warmupSteps) return (base * (step + 1)) / warmupSteps;
  const since = step - warmupSteps;
  switch (schedule.kind) {
    case "constant":
      return base;
    case "cosine": {
      const length = totalSteps - 1 - warmupSteps;
      const wave = length > 0 ? 0.5 * (1 + arithmetic.cos((Math.PI * since) / length)) : 1;
      return base * (schedule.finalShare + (1 - schedule.finalShare) * wave);
    }
    case "step":
      return base * arithmetic.pow(schedule.factor, Math.floor(since / schedule.everySteps));
  }
}
