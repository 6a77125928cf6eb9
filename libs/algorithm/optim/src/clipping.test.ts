import { describe, expect, test } from "vitest";
import { clipScale } from "./clipping.ts";

describe("clipping by the global norm", () => {
  test("brings a longer gradient down to the bound", () => {
    expect(clipScale(25, 1)).toBe(0.2);
    expect(clipScale(25, 4)).toBe(0.8);
  });

  test("leaves a shorter one, and one without a bound, exactly as it is", () => {
    expect(clipScale(25, 5)).toBe(1);
    expect(clipScale(0, 1)).toBe(1);
    expect(clipScale(1e30, undefined)).toBe(1);
  });

  test.each([Number.NaN, Infinity, -1])("refuses a squared norm of %d", (squared) => {
    expect(() => clipScale(squared, 1)).toThrow(RangeError);
    expect(() => clipScale(squared, undefined)).toThrow(RangeError);
  });
});
