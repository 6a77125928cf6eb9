import { describe, expect, test } from "vitest";
import { resolveJob } from "./resolve-job.ts";
import { complaint } from "./testing/complaint.ts";

const task = {
  data: { csv: "table.csv", split: { validation: 0.2 } },
  encoder: [{ kind: "dense", units: 3 }],
  decoder: [{ kind: "dense", units: 4 }],
} as const;

const jobWith = (guard: object | null, rest: object = {}, names = ["a", "b"]): object => ({
  tasks: Object.fromEntries(names.map((name) => [name, task])),
  model: { kind: "shared", latent: 2 },
  evaluate: { everySteps: 5, split: "validation" },
  ...{ steps: 10, guard },
  ...rest,
});

describe("a guard", () => {
  test("has defaults, and those of another weight only where weights are changed", () => {
    const branch = { action: "branch", tolerance: 0.01, patience: 3, watch: 0.5 };
    expect(resolveJob(jobWith({})).guard).toEqual({ ...branch, teaches: true });
    expect(resolveJob(jobWith({ action: "detach" })).guard).toEqual({ ...branch, action: "detach" });
    const reweight = resolveJob(jobWith({ action: "reweight", most: 4 }));
    expect(reweight.guard).toEqual({ ...branch, action: "reweight", factor: 2, most: 4 });
    expect(resolveJob(reweight)).toEqual(reweight);
    expect(resolveJob(jobWith(null)).guard).toBeNull();
  });

  test.each<[string, object, string]>([
    [
      "a field of another action",
      jobWith({ factor: 3 }),
      'guard.factor: is set, but "branch" does not read it',
    ],
    ["one task", jobWith({}, {}, ["a"]), "there is one task: it is alone already"],
    ["nothing shared", jobWith({}, { model: { kind: "private" } }), "tasks share nothing"],
    ["a task with a baseline's name", jobWith({}, {}, ["a", "a-alone"]), 'the baseline of "a"'],
    [
      "no evaluations",
      jobWith({}, { evaluate: { everySteps: 0, split: "validation" } }),
      "the guard goes by evaluations",
    ],
    ["test rows", jobWith({}, { evaluate: { everySteps: 5 } }), "the rows that are to judge the run"],
    [
      "a mode that waits for nobody",
      jobWith({}, { mode: { kind: "stale", bound: 2 } }),
      'is set, in the mode "stale"',
    ],
    ["one bound on all gradients", jobWith({}, { clipNorm: 1 }), "one bound on all gradients together"],
    [
      "weights of private parameters",
      jobWith({}, { combiner: { kind: "upgrad", scalePrivate: true } }),
      "the guard acts on shared parameters alone",
    ],
    ["no tolerance at all", jobWith({ tolerance: -0.1 }), "guard.tolerance"],
  ])("is refused with %s", (_, job, words) => {
    expect(complaint(job)).toContain(words);
  });
});
