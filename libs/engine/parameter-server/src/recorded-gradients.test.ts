import type { ParameterLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { recordedGradients, recordsGradients } from "./recorded-gradients.ts";

const shared = { groups: [{ shared: false }, { shared: true }] } as unknown as ParameterLayout;
const apart = { groups: [{ shared: false }] } as unknown as ParameterLayout;
const spec = (every: number | undefined, tasks = 2): RunSpec =>
  ({
    tasks: new Array(tasks).fill({}),
    ...(every !== undefined && { cosinesEverySteps: every }),
  }) as unknown as RunSpec;

describe("the record of gradients", () => {
  it("has norms and cosines of the Gram matrix, pairs by their first task", () => {
    // g = (3, 0), (0, 4), (-1, -1).
    const gram = Float64Array.from([9, 0, -3, 0, 16, -4, -3, -4, 2]);
    expect(recordedGradients(gram, 3)).toEqual({
      norms: [3, 4, 1.41421],
      cosines: [null, -0.707107, -0.707107],
    });
  });

  it("knows no cosine of a gradient that is zero", () => {
    expect(recordedGradients(Float64Array.from([0, 0, 0, 1]), 2)).toEqual({ norms: [0, 1], cosines: [null] });
  });

  it("is kept at every so many steps of tasks that share something", () => {
    const steps = [0, 1, 2, 3, 4].filter((step) => recordsGradients(spec(2), shared, step));
    expect(steps).toEqual([0, 2, 4]);
    expect(recordsGradients(spec(2), apart, 0)).toBe(false);
    expect(recordsGradients(spec(2, 1), shared, 0)).toBe(false);
    expect(recordsGradients(spec(undefined), shared, 0)).toBe(false);
  });
});
