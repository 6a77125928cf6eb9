import { describe, expect, it } from "vitest";
import { dense } from "./layer-functions.ts";
import { resolveJob } from "./resolve-job.ts";
import { complaint } from "./testing/complaint.ts";

const task = { data: { dataset: "mnist" as const }, encoder: [dense(3)], decoder: [dense(4)] };
const withSampling = (sampling: unknown, more: object = {}): object => ({
  tasks: { a: task, b: task },
  sampling,
  steps: 10,
  ...more,
});

const adaptive = { strategy: "adaptive", samples: 64 };
const evaluated = { evaluate: { everySteps: 5, split: "validation" } };

describe("a job's sampling", () => {
  it("follows losses with strength 1 and a limit of 2, from the same for all, unless it says otherwise", () => {
    const once = resolveJob(withSampling(adaptive, evaluated));
    expect(once.sampling).toEqual({ strategy: "adaptive", samples: 64, strength: 1, limit: 2 });
    expect(resolveJob(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });

  it("is not there unless the job has one, which then has all its defaults and resolves to itself", () => {
    expect("sampling" in resolveJob(withSampling(null))).toBe(false);
    const once = resolveJob(withSampling({ strategy: "temperature", samples: 64 }));
    expect(once.sampling).toEqual({ strategy: "temperature", samples: 64, temperature: 2 });
    expect(resolveJob(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });

  it.each<[object, string, string]>([
    [
      withSampling({ strategy: "by loss", samples: 64 }),
      'sampling.strategy: got "by loss"',
      '"proportional"',
    ],
    [withSampling({ strategy: "uniform" }), "sampling.samples: is missing", "a whole number"],
    [withSampling({ strategy: "uniform", samples: 1 }), "sampling.samples: got 1 for 2 tasks", "write 128"],
    [
      withSampling({ strategy: "temperature", samples: 64, temperature: 0.5 }),
      "sampling.temperature: got 0.5",
      "of at least 1",
    ],
    [
      withSampling({ strategy: "uniform", samples: 64 }, { tasks: { a: task } }),
      'sampling: got "uniform", but there is one task',
      "microBatch and slots",
    ],
    [
      withSampling({ strategy: "uniform", samples: 64 }, { mode: { kind: "diloco", innerSteps: 2 } }),
      'sampling: is set, besides the mode "diloco"',
      "one of the two",
    ],
    [
      withSampling(
        { strategy: "uniform", samples: 64 },
        { compression: { push: { codec: "int8", level: 1 } } },
      ),
      "compression.push.level: got 1, besides sampling",
      '"every"',
    ],
    [
      withSampling(adaptive, { ...evaluated, mode: { kind: "stale", bound: 1 } }),
      'sampling.strategy: got "adaptive", in the mode "stale"',
      'write strategy: "temperature"',
    ],
    [
      withSampling(adaptive, { evaluate: { everySteps: 0, split: "validation" } }),
      "evaluate.everySteps: got 0, but adaptive sampling goes by evaluations",
      "a twentieth of the run",
    ],
    [
      withSampling(adaptive, { evaluate: { everySteps: 5, split: "test" } }),
      'evaluate.split: got "test": what is trained on would follow the rows that are to judge',
      "split: { validation: 0.1 }",
    ],
    [withSampling({ ...adaptive, limit: 1 }, evaluated), "sampling.limit: got 1", "above 1"],
    [withSampling({ ...adaptive, strength: 0 }, evaluated), "sampling.strength: got 0", "above 0"],
  ])("is refused with what, where and how to mend it, case %#", (job, what, mend) => {
    const message = complaint(job);
    expect(message).toContain(what);
    expect(message).toContain(mend);
  });
});
