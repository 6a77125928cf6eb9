import { describe, expect, it } from "vitest";
import { withSomeTasks } from "./some-tasks.ts";

const job = {
  name: "three",
  tasks: { a: 1, b: 2, c: 3 },
  combiner: "pcgrad",
  regulariser: {
    omega: "graph",
    lambda: 0.1,
    similarity: [
      [0, 1, 2],
      [1, 0, 3],
      [2, 3, 0],
    ],
    edges: [{ between: ["a", "b"] }, { between: ["a", "c"], weight: 2 }],
  },
};

describe("some of a job's tasks", () => {
  it("are not those of a job whose samples are dealt by the rows of all", () => {
    const dealt = { ...job, sampling: { strategy: "uniform", samples: 64 } };
    expect(() => withSomeTasks(dealt, ["a", "b"])).toThrow(/sampling: deals .*microBatch and slots/s);
    expect(withSomeTasks(dealt, ["a", "b", "c"])).toEqual(dealt);
  });

  it("keep the job's order, and everything else of it", () => {
    expect(withSomeTasks(job, ["c", "a"])).toEqual({
      ...job,
      tasks: { a: 1, c: 3 },
      regulariser: {
        ...job.regulariser,
        similarity: [
          [0, 2],
          [2, 0],
        ],
        edges: [{ between: ["a", "c"], weight: 2 }],
      },
    });
    expect(withSomeTasks(job, ["a", "b", "c"])).toEqual(job);
  });

  it("have nothing to be combined with or related to where there is one", () => {
    expect(withSomeTasks(job, ["b"])).toEqual({ name: "three", tasks: { b: 2 } });
  });

  it("are refused where there is none of that name, with the nearest", () => {
    const long = { tasks: { digits: {}, fashion: {} } };
    expect(() => withSomeTasks(long, ["digit"])).toThrow(/no task "digit"[^]*did you mean "digits"/);
  });
});
