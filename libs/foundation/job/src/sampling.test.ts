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

describe("a job's sampling", () => {
  it("is not there unless the job has one, which then has all its defaults and resolves to itself", () => {
    expect("sampling" in resolveJob(withSampling(null))).toBe(false);
    const once = resolveJob(withSampling({ strategy: "temperature", samples: 64 }));
    expect(once.sampling).toEqual({ strategy: "temperature", samples: 64, temperature: 2 });
    expect(resolveJob(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });

  it.each<[object, string, string]>([
    [
      withSampling({ strategy: "adaptive", samples: 64 }),
      'sampling.strategy: got "adaptive"',
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
  ])("is refused with what, where and how to mend it, case %#", (job, what, mend) => {
    const message = complaint(job);
    expect(message).toContain(what);
    expect(message).toContain(mend);
  });
});
