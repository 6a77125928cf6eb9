import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dense } from "./layer-functions.ts";
import { resolveJob } from "./resolve-job.ts";
import { runLength } from "./run-length.ts";

const task = {
  data: { dataset: "mnist" as const },
  encoder: [dense(3)],
  decoder: [dense(4)],
};

describe("the length of a run", () => {
  it("counts an epoch by the task that needs most steps for one", () => {
    const job = resolveJob({
      tasks: { large: { ...task, microBatch: 50, slots: 2 }, small: { ...task, microBatch: 1, slots: 1 } },
      epochs: 2,
    });
    expect(runLength(job, { large: 1001, small: 10 }).steps).toBe(22);
    expect(runLength(job, { large: 1000, small: 11 }).steps).toBe(22);
    expect(runLength(job, { large: 1000, small: 10 })).toEqual({
      steps: 20,
      phases: [{ name: "train", steps: 20, resetOptimiser: true }],
    });
  });

  it("splits a bank's steps into training alone and training together, neither empty", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 100_000 }),
        fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
        (steps, pretrain) => {
          const job = resolveJob({ tasks: { a: task }, model: { kind: "bank", pretrain }, steps });
          const { phases } = runLength(job, { a: 10 });
          expect(phases.map(({ name }) => name)).toEqual(["pretrain", "bank"]);
          expect(phases.reduce((sum, phase) => sum + phase.steps, 0)).toBe(steps);
          expect(Math.min(...phases.map((phase) => phase.steps))).toBeGreaterThan(0);
          expect(Math.abs((phases[0]?.steps ?? 0) - steps * pretrain)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it("refuses a bank with a single step", () => {
    const job = resolveJob({ tasks: { a: task }, model: { kind: "bank" }, epochs: 0.001 });
    expect(() => runLength(job, { a: 10 })).toThrow("2 steps or more");
  });
});
