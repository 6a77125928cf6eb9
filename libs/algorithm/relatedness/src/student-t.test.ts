import { loadArithmetic } from "@latentweave/arithmetic";
import { describe, expect, it } from "vitest";
import { estimateFromTwo, estimateMean } from "./interval.ts";
import { tBelow, tQuantile } from "./student-t.ts";

const arithmetic = loadArithmetic();

describe("quantiles of Student's t", () => {
  it.each([
    [0.975, 1, 12.706204736174694],
    [0.975, 2, 4.302652729749464],
    [0.975, 4, 2.7764451051977934],
    [0.975, 9, 2.262157162798205],
    [0.975, 30, 2.0422724563012378],
    [0.95, 10, 1.8124611228107335],
    [0.995, 5, 4.032142983557536],
  ])("are those of the tables: %f with %i degrees of freedom", (probability, degrees, quantile) => {
    expect(tQuantile(probability, degrees, arithmetic)).toBeCloseTo(quantile, 9);
  });

  it("are closed forms for one and two degrees of freedom", () => {
    for (const p of [0.6, 0.9, 0.99, 0.9999]) {
      expect(tQuantile(p, 1, arithmetic) / Math.tan(Math.PI * (p - 0.5))).toBeCloseTo(1, 9);
      expect(tQuantile(p, 2, arithmetic)).toBeCloseTo((2 * p - 1) / Math.sqrt(2 * p * (1 - p)), 7);
    }
  });

  it("undo the distribution, on both sides of 0 and for degrees that are not whole", () => {
    for (const degrees of [0.7, 3.4, 58])
      for (const p of [0.55, 0.8, 0.999]) {
        const t = tQuantile(p, degrees, arithmetic);
        expect(tBelow(t, degrees, arithmetic)).toBeCloseTo(p, 10);
        expect(tQuantile(1 - p, degrees, arithmetic)).toBeCloseTo(-t, 6);
      }
  });

  it("are refused where there are none", () => {
    expect(() => tQuantile(1, 4, arithmetic)).toThrow(RangeError);
    expect(() => tQuantile(0.5, 0, arithmetic)).toThrow(RangeError);
  });
});

describe("the interval of a mean", () => {
  it("is that of the textbook", () => {
    const { mean, standardError, interval } = estimateMean([1, 2, 3, 4, 5], arithmetic);
    expect(mean).toBe(3);
    expect(standardError).toBeCloseTo(Math.sqrt(0.5), 12);
    expect(interval?.[0]).toBeCloseTo(3 - 2.7764451051977934 * Math.sqrt(0.5), 9);
    expect(interval?.[1]).toBeCloseTo(3 + 2.7764451051977934 * Math.sqrt(0.5), 9);
  });

  it("is not known from one value", () => {
    expect(estimateMean([7], arithmetic)).toEqual({ mean: 7, n: 1, standardError: null, interval: null });
  });

  it("of two samples that vary alike has Welch's degrees of freedom: those of both together", () => {
    const { standardError, interval } = estimateFromTwo(
      0,
      [
        [1, 2, 3],
        [11, 12, 13],
      ],
      arithmetic,
    );
    expect(standardError).toBeCloseTo(Math.sqrt(2 / 3), 12);
    expect(interval?.[1]).toBeCloseTo(2.7764451051977934 * Math.sqrt(2 / 3), 9);
  });
});
