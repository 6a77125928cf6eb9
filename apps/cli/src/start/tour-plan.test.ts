import { resolveJob } from "@latentweave/job";
import { describe, expect, it } from "vitest";
import { aloneJob, planTour } from "./tour-plan.ts";

describe("the plan of the tour", () => {
  it.each([undefined, 6, 7, 60, 1_000])("compares after the kill and before the end (%s steps)", (asked) => {
    for (const isNative of [true, false]) {
      const { steps, killStep, compareStep } = planTour(asked, isNative);
      expect(steps).toBe(asked ?? steps);
      expect(killStep).toBeGreaterThan(0);
      expect(compareStep).toBeGreaterThan(killStep);
      expect(compareStep).toBeLessThan(steps);
    }
  });

  it("keeps every checkpoint that the run writes", () => {
    const { steps, compareStep, settings } = planTour(100, true);
    expect(settings).toContain(`checkpoints.everySteps=${compareStep}`);
    const written = Math.floor(steps / compareStep) + 1;
    const kept = Number(settings.find((one) => one.startsWith("checkpoints.keep="))?.split("=")[1]);
    expect(kept).toBeGreaterThanOrEqual(written);
  });

  it("asks for better than PCA only where the run is long enough for it", () => {
    expect(planTour(undefined, true).mustBeatPca).toBe(true);
    expect(planTour(60, true).mustBeatPca).toBe(false);
    expect(planTour(undefined, false).mustBeatPca).toBe(false);
  });

  it("takes one task out of a job and leaves the task, the model and the steps as they were", () => {
    const layers = [{ kind: "dense", units: 4 }];
    const task = { data: { dataset: "iris" }, encoder: layers, decoder: layers };
    const job = resolveJob({ tasks: { a: task, b: task }, steps: 10, model: { kind: "shared", latent: 2 } });
    const alone = aloneJob(job, "b");
    expect(Object.keys(alone.tasks)).toEqual(["b"]);
    expect(alone.tasks.b).toEqual(job.tasks.b);
    expect([alone.steps, alone.seed, alone.model]).toEqual([job.steps, job.seed, job.model]);
    expect(() => aloneJob(job, "c")).toThrow('no task "c"');
  });
});
