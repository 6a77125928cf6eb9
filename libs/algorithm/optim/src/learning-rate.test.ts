import { loadArithmetic } from "@latentweave/arithmetic";
import { describe, expect, test } from "vitest";
import { type ScheduleConfig, learningRateAt } from "./learning-rate.ts";

const arithmetic = loadArithmetic();
const rates = (schedule: ScheduleConfig, steps: number, base = 1) =>
  Array.from({ length: steps }, (_, step) => learningRateAt(schedule, base, step, steps, arithmetic));

describe("learning rates", () => {
  test("stay constant", () => {
    expect(rates({ kind: "constant", warmupSteps: 0 }, 3, 0.25)).toEqual([0.25, 0.25, 0.25]);
  });

  test("rise linearly over the warm-up, and are whole at its end", () => {
    expect(rates({ kind: "constant", warmupSteps: 4 }, 6)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  });

  test("fall along half a cosine to the final share at the last step", () => {
    const values = rates({ kind: "cosine", warmupSteps: 0, finalShare: 0.1 }, 5);
    expect(values[0]).toBe(1);
    expect(values[1]).toBeCloseTo(0.1 + 0.9 * (0.5 + Math.SQRT1_2 / 2), 12);
    expect(values[2]).toBeCloseTo(0.55, 12);
    expect(values[4]).toBeCloseTo(0.1, 12);
    expect(rates({ kind: "cosine", warmupSteps: 2, finalShare: 0 }, 5).map((x) => x.toFixed(6))).toEqual([
      "0.500000",
      "1.000000",
      "1.000000",
      "0.500000",
      "0.000000",
    ]);
  });

  test("fall by the factor after every so many steps behind the warm-up", () => {
    expect(rates({ kind: "step", warmupSteps: 1, everySteps: 2, factor: 0.5 }, 6)).toEqual([
      1, 1, 1, 0.5, 0.5, 0.25,
    ]);
  });

  test("are defined for phases no longer than their warm-up, or one step longer", () => {
    expect(rates({ kind: "cosine", warmupSteps: 4, finalShare: 0 }, 2)).toEqual([0.25, 0.5]);
    expect(rates({ kind: "cosine", warmupSteps: 1, finalShare: 0 }, 2)).toEqual([1, 1]);
  });

  test.each([-1, 5, 0.5, Number.NaN])("are refused for step %d of 5", (step) => {
    expect(() => learningRateAt({ kind: "constant", warmupSteps: 0 }, 1, step, 5, arithmetic)).toThrow(
      RangeError,
    );
  });
});
