import { describe, expect, it } from "vitest";
import type { StepPlan } from "./plan-step.ts";
import { createStepPace } from "./step-pace.ts";

/** All that pace looks at. */
const planOf = (samples: number): StepPlan =>
  ({ rounds: [{ tasks: [{ samples }, { samples: 0 }] }] }) as unknown as StepPlan;

describe("the pace of steps", () => {
  it("is not known before five of them", () => {
    const pace = createStepPace();
    for (let step = 0; step < 4; step++) pace.took(planOf(10), 20);
    expect(pace.expectedMs(planOf(10))).toBeUndefined();
    pace.took(planOf(10), 20);
    expect(pace.expectedMs(planOf(10))).toBe(20);
  });

  it("is the median's, per sample, whatever one of them took", () => {
    const pace = createStepPace();
    for (const ms of [20, 20, 20, 20, 10_000]) pace.took(planOf(10), ms);
    expect(pace.expectedMs(planOf(30))).toBe(60);
  });

  it("follows the newest 31", () => {
    const pace = createStepPace();
    for (let step = 0; step < 31; step++) pace.took(planOf(1), 1);
    for (let step = 0; step < 16; step++) pace.took(planOf(1), 5);
    expect(pace.expectedMs(planOf(1))).toBe(5);
  });
});
