import { describe, expect, it } from "vitest";
import { applySettings } from "./apply-settings.ts";
import { jobChanges } from "./job-changes.ts";
import { dense } from "./layer-functions.ts";
import { resolveJob } from "./resolve-job.ts";

const task = { data: { dataset: "mnist" }, encoder: [dense(32)], decoder: [dense(784)] };
const job = { tasks: { a: task, b: task }, steps: 10 };
const changes = (...settings: string[]): unknown =>
  jobChanges(resolveJob(job), resolveJob(applySettings(job, settings))).map(
    ({ field, before, after }) => `${field}: ${before} → ${after}`,
  );

describe("what changed between two jobs", () => {
  it("is nothing when only their name, launcher or checkpoints differ", () => {
    expect(changes("name=other", "launcher.kind=local", "launcher.workers=4", "checkpoints.keep=9")).toEqual(
      [],
    );
  });

  it("is named by field, with both values", () => {
    expect(
      changes("seed=3", "tasks.a.encoder[0].units=64", "optimiser.kind=sgd", 'tasks.b.data={"csv":"b.csv"}'),
    ).toEqual([
      "seed: 0 → 3",
      "tasks.a.encoder[0].units: 32 → 64",
      'tasks.b.data.dataset: "mnist" → nothing',
      'tasks.b.data.csv: nothing → "b.csv"',
      'optimiser.kind: "adam" → "sgd"',
      "optimiser.learningRate: 0.001 → 0.01",
      "optimiser.beta1: 0.9 → nothing",
      "optimiser.beta2: 0.999 → nothing",
      "optimiser.epsilon: 1e-8 → nothing",
    ]);
  });

  it("counts the order of tasks, which numbers them", () => {
    const swapped = resolveJob({ tasks: { b: task, a: task }, steps: 10 });
    expect(jobChanges(resolveJob(job), swapped)).toEqual([{ field: "tasks", before: "a, b", after: "b, a" }]);
  });

  it("names a task that came or went", () => {
    const fewer = resolveJob({ tasks: { a: task }, steps: 10 });
    expect(jobChanges(resolveJob(job), fewer).map(({ field, after }) => [field, after])).toEqual([
      ["tasks.b", "nothing"],
    ]);
  });
});
