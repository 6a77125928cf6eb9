import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, firstDelayMs, longestDelayMs, shortestDelayMs } from "./backoff.ts";

const random01 = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("the delay before a further attempt to connect", () => {
  it("stays within its bounds, however many attempts have failed", () => {
    fc.assert(
      fc.property(fc.nat(), random01, (attempt, random) => {
        const delayMs = backoffMs(attempt, random);
        expect(delayMs).toBeGreaterThanOrEqual(shortestDelayMs);
        expect(delayMs).toBeLessThanOrEqual(longestDelayMs);
      }),
    );
  });

  it("doubles its bound with each attempt until the longest", () => {
    const bounds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1000].map((attempt) => Math.round(backoffMs(attempt, 1)));
    expect(bounds).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000, 20_000]);
  });

  it("is spread over the whole range, so that a fleet does not come back in one moment", () => {
    expect(backoffMs(0, 0)).toBe(shortestDelayMs);
    expect(backoffMs(0, 0.5)).toBe((shortestDelayMs + firstDelayMs) / 2);
    expect(backoffMs(9, 0)).toBe(shortestDelayMs);
  });
});
