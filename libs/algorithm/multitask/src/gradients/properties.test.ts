import { randomKey } from "@latentweave/arithmetic";
import type { CombinerName } from "@latentweave/job";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ask, combined, dot, gramOf } from "../testing/ask.ts";
import { generator, gradientRows } from "../testing/gradients.ts";
import { symmetricEigen } from "../solvers/symmetric-eigen.ts";
import { othersInOrder } from "./projections.ts";

const independent = gradientRows({ min: 2, max: 5 }, { min: 6, max: 9 });
const length = (a: readonly number[]): number => Math.sqrt(dot(a, a));
const distance = (a: readonly number[], b: readonly number[]): number =>
  length(a.map((x, i) => x - (b[i] ?? 0)));
const direction = (name: CombinerName, rows: readonly (readonly number[])[], options = {}): number[] =>
  combined(rows, ask(name, { rows, options }).weights);
const without = (value: number) => (row: readonly number[]) => row.map((x) => x * value);

const ofGradients: readonly CombinerName[] = [
  ...(["mgda", "pcgrad", "gradvac", "cagrad", "imtl-g", "nash-mtl", "fairgrad"] as const),
  ...(["aligned-mtl", "upgrad", "dualproj", "config"] as const),
];
/** Those in whose rule the order of tasks, or a draw, has no part. */
const symmetric = ofGradients.filter((name) => name !== "pcgrad" && name !== "gradvac");

describe.each(ofGradients)("%s", (name) => {
  it("is twice as long for gradients twice as long", () => {
    fc.assert(
      fc.property(independent, (rows) => {
        const once = direction(name, rows);
        // A power of two, so that nothing is rounded differently.
        const twice = direction(name, rows.map(without(2)));
        expect(
          distance(
            twice,
            once.map((x) => 2 * x),
          ),
        ).toBeLessThan(1e-6 * length(once) + 1e-12);
      }),
      { numRuns: 40 },
    );
  });

  it("has no warning, and finite weights, for gradients that depend on each other or are alone", () => {
    fc.assert(
      fc.property(gradientRows({ min: 1, max: 7 }, { min: 1, max: 3 }), (rows) => {
        const { weights, warning } = ask(name, { rows });
        // Where gradients cancel each other these have no solution, or hardly: then they say so.
        const mayFail = ["config", "imtl-g", "cagrad"].includes(name) && rows.length > (rows[0]?.length ?? 0);
        if (!mayFail) expect(warning).toBeUndefined();
        expect(weights.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("leaves a task without a gradient out, with the weight 1", () => {
    const rows = [
      [3, 1, 0],
      [0, 0, 0],
      [-1, 2, 1],
    ];
    const { weights, warning } = ask(name, { rows });
    expect(warning).toBeUndefined();
    // PCGrad and GradVac have no other problem for more tasks: only the order in which they are drawn changes.
    expect(weights[1]).toBeCloseTo(name === "pcgrad" || name === "gradvac" ? (weights[1] ?? 0) : 1, 12);
    const others = ask(name, { rows: [rows[0] ?? [], rows[2] ?? []] }).weights;
    expect(weights[0]).toBeCloseTo(others[0] ?? 0, 9);
    expect(weights[2]).toBeCloseTo(others[1] ?? 0, 9);
  });

  it("stands still where no task has a gradient", () => {
    const rows = [
      [0, 0],
      [0, 0],
    ];
    const { weights, warning } = ask(name, { rows });
    expect(warning).toBeUndefined();
    expect(combined(rows, weights)).toEqual([0, 0]);
  });
});

describe.each(symmetric)("%s", (name) => {
  it("does not care for the order of tasks", () => {
    fc.assert(
      fc.property(independent, (rows) => {
        const forth = direction(name, rows);
        const back = direction(name, [...rows].reverse());
        expect(distance(forth, back)).toBeLessThan(1e-5 * Math.max(length(forth), ...rows.map(length)));
      }),
      { numRuns: 40 },
    );
  });
});

describe("what each method promises", () => {
  const everyTask = (
    name: CombinerName,
    holds: (rows: number[][], update: number[]) => void,
    options = {},
  ): void =>
    fc.assert(
      fc.property(independent, (rows) => holds(rows, direction(name, rows, options))),
      { numRuns: 60 },
    );

  it.each(["upgrad", "dualproj"] as const)("%s harms no task, but for what its ridge allows", (name) => {
    everyTask(name, (rows, update) => {
      const { weights } = ask(name, { rows });
      const trace = rows.reduce((sum, row) => sum + dot(row, row), 0);
      rows.forEach((row, t) =>
        expect(dot(row, update)).toBeGreaterThanOrEqual(-1.001e-4 * trace * (weights[t] ?? 0) - 1e-9 * trace),
      );
    });
  });

  it.each(["upgrad", "dualproj"] as const)("%s is the mean where no gradients conflict", (name) => {
    const rows = [
      [1, 0, 0.5],
      [0.5, 2, 0],
      [0, 0.25, 3],
    ];
    ask(name, { rows }).weights.forEach((weight) => expect(weight).toBeCloseTo(1 / 3, 12));
  });

  it("mgda serves every task by the square of its own length or more, and stops at Pareto stationary points alone", () => {
    everyTask("mgda", (rows, update) => {
      const square = dot(update, update);
      rows.forEach((row) => expect(dot(row, update)).toBeGreaterThanOrEqual(square * (1 - 1e-6) - 1e-12));
    });
    const stationary = [
      [1, 2],
      [1, -2],
      [-3, 0.5],
    ];
    expect(length(direction("mgda", stationary))).toBeLessThan(1e-6);
  });

  it.each(["norm", "loss", "both"])("mgda of gradients over their %s is mgda of those", (normalise) => {
    fc.assert(
      fc.property(independent, (rows) => {
        const losses = rows.map((_, t) => 0.5 + t);
        const by = (t: number): number =>
          (normalise === "norm" ? 1 : (losses[t] ?? 1)) * (normalise === "loss" ? 1 : length(rows[t] ?? []));
        const scaled = rows.map((row, t) => without(1 / by(t))(row));
        const own = combined(rows, ask("mgda", { rows, losses, options: { normalise } }).weights);
        expect(distance(own, direction("mgda", scaled))).toBeLessThan(1e-6 * Math.max(...scaled.map(length)));
      }),
      { numRuns: 40 },
    );
  });

  it("imtl-g has equal projections onto all gradients, and weights of sum 1", () => {
    fc.assert(
      fc.property(independent, (rows) => {
        const { weights, warning } = ask("imtl-g", { rows });
        fc.pre(warning === undefined);
        const update = combined(rows, weights);
        const onto = rows.map((row) => dot(row, update) / length(row));
        const scale = length(update);
        onto.forEach((value) => expect(Math.abs(value - (onto[0] ?? 0))).toBeLessThan(1e-5 * scale));
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  it("config has equal cosines with all gradients, as long as they are together along it", () => {
    everyTask("config", (rows, update) => {
      const cosines = rows.map((row) => dot(row, update) / (length(row) * length(update)));
      cosines.forEach((cosine) => expect(Math.abs(cosine - (cosines[0] ?? 0))).toBeLessThan(1e-6));
      const along = rows.reduce((sum, row) => sum + dot(row, update), 0) / length(update);
      expect(along / length(update)).toBeCloseTo(1, 6);
    });
  });

  it.each([
    ["nash-mtl", {}, 1],
    ["fairgrad", { alpha: 0.5 }, 2],
    ["fairgrad", { alpha: 2 }, 0.5],
  ] as const)("%s %j solves G w = w^(-1/alpha), but for its ridge on the diagonal", (name, options, p) => {
    fc.assert(
      fc.property(independent, (rows) => {
        const { weights } = ask(name, { rows, options });
        const update = combined(rows, weights);
        const gram = gramOf(rows);
        const frobenius = Math.sqrt(gram.reduce((sum, x) => sum + x * x, 0));
        rows.forEach((row, t) => {
          const weight = weights[t] ?? 0;
          expect(weight).toBeGreaterThan(0);
          const ridge = 1e-8 * dot(row, row) * weight;
          expect(((dot(row, update) + ridge) / frobenius) * weight ** p).toBeCloseTo(1, 4);
        });
      }),
      { numRuns: 60 },
    );
  });

  it("nash-mtl does not care for the tasks' scales", () => {
    everyTask("nash-mtl", (rows, update) => {
      const other = direction(
        "nash-mtl",
        rows.map((row, t) => without(10 ** (t - 1))(row)),
      );
      const cosine = dot(update, other) / (length(update) * length(other));
      expect(cosine).toBeCloseTo(1, 8);
    });
  });

  it("aligned-mtl is the mean of orthogonal gradients, each as long as the smallest singular value", () => {
    everyTask("aligned-mtl", (rows, update) => {
      const least = symmetricEigen(gramOf(rows)).values[0] ?? 0;
      expect((dot(update, update) * rows.length) / least).toBeCloseTo(1, 6);
    });
    const orthogonal = [
      [2, 0],
      [0, 2],
    ];
    direction("aligned-mtl", orthogonal).forEach((x) => expect(x).toBeCloseTo(1, 12));
  });

  it("cagrad stays within c‖ḡ‖ of the mean gradient, serves the worst task at least as well, and is it for c = 0", () => {
    fc.assert(
      fc.property(independent, fc.constantFrom(0, 0.2, 0.5, 0.9), (rows, c) => {
        const mean = direction("mean", rows);
        const update = direction("cagrad", rows, { c });
        expect(distance(update, mean)).toBeLessThanOrEqual(c * length(mean) * (1 + 1e-9) + 1e-12);
        const worst = (d: readonly number[]): number => Math.min(...rows.map((row) => dot(row, d)));
        const scale = Math.max(...rows.map(length)) * length(mean);
        expect(worst(update)).toBeGreaterThanOrEqual(worst(mean) - 1e-7 * scale);
      }),
    );
  });

  it("pcgrad leaves two conflicting gradients orthogonal to each other's, and others as they are", () => {
    fc.assert(
      fc.property(gradientRows({ min: 2, max: 2 }, { min: 2, max: 6 }), (rows) => {
        const [a, b] = rows as [number[], number[]];
        const { weights } = ask("pcgrad", { rows });
        const against = dot(a, b);
        expect(weights[0]).toBeCloseTo(against < 0 ? 1 - against / dot(a, a) : 1, 9);
        expect(weights[1]).toBeCloseTo(against < 0 ? 1 - against / dot(b, b) : 1, 9);
      }),
    );
  });

  it("pcgrad and gradvac draw another order with every key, and the same one with the same", () => {
    const rows = [
      [1, 0.2, -1, 0.3],
      [-1, 1, 0.1, 0.2],
      [0.3, -1, -0.5, 1],
      [-0.2, 0.4, 1, -1],
    ];
    for (const name of ["pcgrad", "gradvac"] as const) {
      const state = name === "gradvac" ? rows.map(() => rows.map(() => 0.2)) : null;
      const drawn = Array.from({ length: 20 }, (_, step) =>
        ask(name, { rows, state, key: randomKey(1, step) }).weights.join(" "),
      );
      expect(new Set(drawn).size).toBeGreaterThan(3);
      expect(ask(name, { rows, state, key: randomKey(1, 7) }).weights.join(" ")).toBe(drawn[7]);
    }
    expect(othersInOrder(2, 5, randomKey(1, 1)).toSorted()).toEqual([0, 1, 3, 4]);
  });

  it("gradvac turns a gradient to the remembered cosine, and remembers", () => {
    const rows = [
      [1, 0],
      [-1, 1],
    ];
    const state = [
      [0, 0.6],
      [-1, 0],
    ];
    const solved = ask("gradvac", { rows, state });
    // Task 2 was to be at -1 at least, and is left alone: task 1's own part is what remains of the sum.
    const turned = combined(rows, solved.weights).map((x, i) => x - (rows[1]?.[i] ?? 0));
    expect(dot(turned, rows[1] ?? []) / (length(turned) * Math.SQRT2)).toBeCloseTo(0.6, 12);
    const cosine = -Math.SQRT1_2;
    expect(solved.state).toEqual([
      [0, expect.closeTo(0.3 + cosine / 2, 12)],
      [expect.closeTo(-0.5 + cosine / 2, 12), 0],
    ]);
  });

  it("has a solution for forty tasks", () => {
    const draw = generator(4);
    const rows = Array.from({ length: 40 }, () => Array.from({ length: 60 }, () => draw() - 0.5));
    for (const name of ofGradients) {
      const { warning, weights } = ask(name, { rows });
      expect(warning, name).toBeUndefined();
      expect(length(combined(rows, weights)), name).toBeGreaterThan(0);
    }
  });
});
