import { describe, expect, test } from "vitest";
import { regulariserParts } from "./regulariser-schema.ts";
import { resolveJob } from "./resolve-job.ts";
import { complaint } from "./testing/complaint.ts";

const task = {
  data: { csv: "table.csv", target: "y" },
  reconstruction: false,
  heads: { score: { kind: "regression" } },
} as const;

const jobWith = (regulariser: object, rest: object = {}, names = ["a", "b", "c"]): object => ({
  tasks: Object.fromEntries(names.map((name) => [name, task])),
  steps: 10,
  regulariser: { on: "heads", ...regulariser },
  ...rest,
});

describe("a regulariser's fields", () => {
  test("get their defaults, and the resolved job resolves to itself", () => {
    for (const [given, filled] of [
      [
        { omega: "mtrl", lambda: 0.1 },
        { omega: "mtrl", lambda: 0.1, on: "heads", epsilon: 0.001, everySteps: 10 },
      ],
      [
        { omega: "clustered", lambda: 0.1, clusters: 2 },
        { omega: "clustered", lambda: 0.1, on: "heads", clusters: 2, eta: 0.1, everySteps: 10 },
      ],
      [
        { omega: "graph", lambda: 1, edges: [{ between: ["c", "a"], weight: 2 }, { between: ["a", "b"] }] },
        { omega: "graph", lambda: 1, on: "heads", similarity: [[0, 1, 2], [1, 0, 0], [2, 0, 0]] }, // prettier-ignore
      ],
      [
        { omega: "mean", lambda: 1 },
        { omega: "mean", lambda: 1, on: "heads" },
      ],
    ] as const) {
      const resolved = resolveJob(jobWith(given));
      expect(resolved.regulariser).toEqual(filled);
      expect(resolveJob(resolved)).toEqual(resolved);
    }
  });

  test("reach the run as numbers, and `mean` says no more than it ever did", () => {
    expect(regulariserParts(resolveJob(jobWith({ omega: "mean", lambda: 1 })))).toEqual({
      omega: "mean",
      lambda: 1,
    });
    expect(regulariserParts(resolveJob(jobWith({})))).toBeNull();
    const graph = { omega: "graph", lambda: 1, edges: [{ between: ["a", "b"] }] };
    expect(regulariserParts(resolveJob(jobWith(graph)))).toEqual({
      omega: "graph",
      lambda: 1,
      options: { similarity: [0, 1, 0, 1, 0, 0, 0, 0, 0] },
    });
  });
});

describe("what cannot be", () => {
  test.each([
    ["λ below 0", { omega: "mean", lambda: -1 }, /regulariser\.lambda: got -1\n.*expected.*0/],
    ["λ without Ω", { lambda: 1 }, /regulariser\.lambda.*does nothing while omega is "none"/],
    ["an unknown Ω", { omega: "mtlr", lambda: 1 }, /regulariser\.omega: got "mtlr"[^]*"mtrl"/],
    [
      "another's field",
      { omega: "mean", lambda: 1, clusters: 2 },
      /regulariser\.clusters: is set, but "mean" does not read it[^]*omega: "clustered"/,
    ],
    ["no graph", { omega: "graph", lambda: 1 }, /regulariser\.edges: is missing: there is no graph/],
    [
      "two graphs",
      { omega: "graph", lambda: 1, edges: [], similarity: [] },
      /regulariser\.similarity: is set, besides edges/,
    ],
    [
      "an edge to nobody",
      { omega: "graph", lambda: 1, edges: [{ between: ["a", "z"] }] },
      /edges\[0\]\.between\[1\]: there is no task "z"/,
    ],
    ["an edge to itself", { omega: "graph", lambda: 1, edges: [{ between: ["a", "a"] }] }, /both are "a"/],
    [
      "an edge twice",
      { omega: "graph", lambda: 1, edges: [{ between: ["a", "b"] }, { between: ["b", "a"] }] },
      /edges\[1\]\.between: .*have an edge already/,
    ],
    [
      "an edge that drives apart",
      { omega: "graph", lambda: 1, edges: [{ between: ["a", "b"], weight: -1 }] },
      /weight: got -1/,
    ],
    [
      "a matrix of another size",
      { omega: "graph", lambda: 1, similarity: [[0]] },
      /similarity: has 1 rows\n.*expected: 3 rows of 3 numbers/,
    ],
    [
      "one that is not symmetric",
      {
        omega: "graph",
        lambda: 1,
        similarity: [
          [0, 1, 0],
          [2, 0, 0],
          [0, 0, 0],
        ],
      },
      /similarity\[0\]\[1\]: got 1, but \[1\]\[0\] is 2/,
    ],
    [
      "negative weights",
      {
        omega: "graph",
        lambda: 1,
        similarity: [
          [0, -1, 0],
          [-1, 0, 0],
          [0, 0, 0],
        ],
      },
      /similarity\[0\]\[1\]: got -1: "a" and "b" would be driven apart/,
    ],
    [
      "Ω that is not positive semidefinite",
      {
        omega: "graph",
        lambda: 1,
        laplacian: [
          [1, 2, 0],
          [2, 1, 0],
          [0, 0, 1],
        ],
      },
      /laplacian: is not positive semidefinite.*first 2 tasks/,
    ],
    [
      "Ω with a hidden negative direction",
      {
        omega: "graph",
        lambda: 1,
        laplacian: [
          [0, 1, 0],
          [1, 5, 0],
          [0, 0, 1],
        ],
      },
      /not positive semidefinite/,
    ],
    ["no clusters", { omega: "clustered", lambda: 1 }, /regulariser\.clusters: is missing/],
    [
      "as many clusters as tasks",
      { omega: "clustered", lambda: 1, clusters: 3 },
      /clusters: got 3, with 3 tasks/,
    ],
  ] as const)("%s", (_, regulariser, message) => {
    expect(complaint(jobWith(regulariser))).toMatch(message);
  });

  test("one task alone, and a mode or an optimiser that does not go with it", () => {
    expect(complaint(jobWith({ omega: "mtrl", lambda: 1 }, {}, ["a"]))).toMatch(
      /there is one task: there are none to relate/,
    );
    const adam = jobWith({ omega: "trace", lambda: 1 });
    expect(complaint(adam)).toMatch(/optimiser\.kind: got "adam"; "trace" takes a proximal step/);
    const sgd = { optimiser: { kind: "sgd" } };
    expect(complaint(jobWith({ omega: "trace", lambda: 1 }, sgd))).toBe("none");
    const rounded = { ...sgd, compression: { broadcast: { codec: "bf16" } } };
    expect(complaint(jobWith({ omega: "l21", lambda: 1 }, rounded))).toMatch(
      /compression\.broadcast: rounds what/,
    );
    const slowed = { ...sgd, rates: { "shared/*": 0 } };
    for (const omega of ["l21", "trace"])
      expect(complaint(jobWith({ omega, lambda: 1 }, slowed))).toMatch(
        /rates: are set, besides the regulariser "(l21|trace)", whose proximal step/,
      );
    expect(complaint(jobWith({ omega: "mean", lambda: 1 }, slowed))).toBe("none");
    const diloco = { mode: { kind: "diloco", innerSteps: 5 } };
    expect(complaint(jobWith({ omega: "mtrl", lambda: 1 }, diloco))).toMatch(/in the mode "diloco"/);
  });

  test("a Laplacian is taken as it is where it is one, singular or not", () => {
    for (const laplacian of [
      [
        [1, -1, 0],
        [-1, 1, 0],
        [0, 0, 0],
      ],
      [
        [2, -1, -1],
        [-1, 2, -1],
        [-1, -1, 2],
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
      [
        [0.3, -0.1, -0.2],
        [-0.1, 0.1, 0],
        [-0.2, 0, 0.2],
      ],
    ])
      // prettier-ignore
      expect(complaint(jobWith({ omega: "graph", lambda: 1, laplacian }))).toBe("none");
  });
});
