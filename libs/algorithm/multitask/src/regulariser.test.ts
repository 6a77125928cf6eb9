import { loadArithmetic } from "@latentweave/arithmetic";
import { UserError } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addProducts, mixBlock, shrinkRows } from "./block.ts";
import { regulariserNamed } from "./registry.ts";
import { quadraticValue, type QuadraticRegulariser, type Related } from "./regulariser.ts";
import { clusteredRegulariser, clusterSpectrum } from "./regularisers/clustered.ts";
import { graphRegulariser } from "./regularisers/graph.ts";
import { l21Regulariser } from "./regularisers/l21.ts";
import { meanRegulariser } from "./regularisers/mean.ts";
import { mtrlRegulariser } from "./regularisers/mtrl.ts";
import { traceRegulariser } from "./regularisers/trace.ts";
import { symmetricEigen } from "./solvers/symmetric-eigen.ts";

const arithmetic = loadArithmetic();

/** W, one row of numbers per task (its column w_t). */
type Tasks = readonly (readonly number[])[];

function vector(values: ArrayLike<number>): number {
  const pointer = arithmetic.allocate(values.length * 4);
  arithmetic.f32(pointer, values.length).set(values);
  return pointer;
}

const related = (count: number, options: Related["options"] = {}): Related => ({
  members: Array.from({ length: count }, (_, task) => task),
  taskCount: count,
  options,
});

/** WᵀW in float64. */
function productsOf(tasks: Tasks): Float64Array {
  return Float64Array.from(
    tasks.flatMap((a) => tasks.map((b) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0))),
  );
}

/** Σ‖w_t − w̄‖² in float64, from its words. */
function spread(tasks: Tasks): number {
  const mean = (tasks[0] ?? []).map((_, i) => tasks.reduce((sum, w) => sum + (w[i] ?? 0), 0) / tasks.length);
  return tasks.reduce((sum, w) => sum + w.reduce((s, x, i) => s + (x - (mean[i] ?? 0)) ** 2, 0), 0);
}

const squaredDistance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + (x - (b[i] ?? 0)) ** 2, 0);

const traceOf = (matrix: Float64Array): number => {
  const n = Math.sqrt(matrix.length);
  return matrix.reduce((sum, value, place) => (place % (n + 1) === 0 ? sum + value : sum), 0);
};

/** Σ of W's singular values. */
const nuclear = (tasks: Tasks): number =>
  symmetricEigen(productsOf(tasks)).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);

const rowNorms = (tasks: Tasks): number =>
  (tasks[0] ?? []).reduce((sum, _, i) => sum + Math.sqrt(tasks.reduce((s, w) => s + (w[i] ?? 0) ** 2, 0)), 0);

const eighths = fc.integer({ min: -80, max: 80 }).map((x) => x / 8); // exact in float32
const anyTasks = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 7 }))
  .chain(([count, n]) =>
    fc.array(fc.array(eighths, { minLength: n, maxLength: n }), { minLength: count, maxLength: count }),
  );

/** The proximal step as the parameter server takes it: W·B for the trace norm, rows for L2,1. */
function proximal(name: "trace" | "l21", tasks: Tasks, threshold: number): number[][] {
  const numbers = tasks[0]?.length ?? 0;
  const vectors = tasks.map(vector);
  if (name === "l21")
    shrinkRows(arithmetic, { vectors, numbers, shrink: (norm) => l21Regulariser.shrink(norm, threshold) });
  else
    mixBlock(arithmetic, {
      ...{ vectors, numbers, matrix: traceRegulariser.shrink(productsOf(tasks), threshold) },
      copy: arithmetic.allocate(tasks.length * numbers * 4),
    });
  return vectors.map((pointer) => [...arithmetic.f32(pointer, numbers)]);
}

describe("quadratic regularisers", () => {
  test("mean: the tasks' squared distance from their mean", () => {
    fc.assert(
      fc.property(anyTasks, (tasks) => {
        const value = quadraticValue(
          meanRegulariser.matrix(related(tasks.length), undefined),
          productsOf(tasks),
        );
        expect(Math.abs(value - spread(tasks))).toBeLessThan(1e-9 * (1 + spread(tasks)));
      }),
    );
    expect([...meanRegulariser.matrix(related(2), undefined)]).toEqual([0.5, -0.5, -0.5, 0.5]);
    expect([...meanRegulariser.matrix(related(1), undefined)]).toEqual([0]);
  });

  test("graph: the sum over edges of weight times squared distance", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(anyTasks, weights, (tasks, edgeWeights) => {
        const count = tasks.length;
        const similarity = new Array<number>(count * count).fill(0);
        let value = 0;
        let next = 0;
        for (let a = 0; a < count; a++)
          for (let b = 0; b < a; b++) {
            const weight = edgeWeights[next++] ?? 0;
            similarity[a * count + b] = similarity[b * count + a] = weight;
            value += weight * squaredDistance(tasks[a] ?? [], tasks[b] ?? []);
          }
        const matrix = graphRegulariser.matrix(related(count, { similarity }), undefined);
        expect(quadraticValue(matrix, productsOf(tasks))).toBeCloseTo(value, 6);
      }),
    );
  });

  test("graph: a family without some of the tasks has the graph without them", () => {
    const similarity = [0, 1, 2, 1, 0, 4, 2, 4, 0];
    const part = { members: [0, 2], taskCount: 3, options: { similarity } };
    expect([...graphRegulariser.matrix(part, undefined)]).toEqual([2, -2, -2, 2]);
    const laplacian = [3, -1, -2, -1, 5, -4, -2, -4, 6];
    expect([...graphRegulariser.matrix({ ...part, options: { laplacian } }, undefined)]).toEqual([
      3, -2, -2, 6,
    ]);
    expect([...graphRegulariser.matrix(related(3, { similarity }), undefined)]).toEqual(laplacian);
  });

  test("graph: with every pair at 1/T it is the mean regulariser", () => {
    const similarity = new Array<number>(16).fill(0.25);
    const a = graphRegulariser.matrix(related(4, { similarity }), undefined);
    expect([...a]).toEqual([...meanRegulariser.matrix(related(4), undefined)]);
  });
});

describe("mtrl", () => {
  const learn = mtrlRegulariser.learn as NonNullable<QuadraticRegulariser["learn"]>;

  test("has a known Ω: tasks at right angles count by their length, and one that is another's opposite has −1", () => {
    const apart = [
      [3, 0],
      [0, 1],
    ];
    expect([...learn(productsOf(apart), related(2))].map((x) => Math.round(x * 1e12) / 1e12)).toEqual([
      0.75, 0, 0, 0.25,
    ]);
    const opposite = [
      [1, 2],
      [-1, -2],
    ];
    for (const [place, value] of [0.5, -0.5, -0.5, 0.5].entries())
      expect(learn(productsOf(opposite), related(2))[place]).toBeCloseTo(value, 12);
  });

  test("Ω has trace 1, no negative eigenvalue, and no other Ω of trace 1 has a lower tr(W Ω⁻¹ Wᵀ)", () => {
    fc.assert(
      fc.property(anyTasks, anyTasks, (tasks, others) => {
        const count = tasks.length;
        // Full rank, so that Ω has an inverse without ε.
        const products = productsOf(tasks.map((w, t) => [...w, ...tasks.map((_, s) => (s === t ? 1 : 0))]));
        const best = learn(products, related(count));
        expect(traceOf(best)).toBeCloseTo(1, 12);
        expect(symmetricEigen(best).values[0]).toBeGreaterThan(0);
        const value = (omega: Float64Array): number =>
          quadraticValue(mtrlRegulariser.matrix(related(count, { epsilon: 0 }), omega), products);
        const other = productsOf(
          others.slice(0, count).map((w, t) => [...w, ...tasks.map((_, s) => (s === t ? 1 : 0))]),
        );
        if (other.length !== best.length) return;
        const trace = traceOf(other);
        expect(value(best)).toBeLessThanOrEqual(value(other.map((x) => x / trace)) * (1 + 1e-9));
      }),
    );
  });

  test("penalises by (Ω + εI)⁻¹, and begins anew from equal tasks where all of W is zero", () => {
    const omega = Float64Array.of(0.75, 0, 0, 0.25);
    const a = mtrlRegulariser.matrix(related(2, { epsilon: 0.25 }), omega);
    for (const [place, value] of [1, 0, 0, 2].entries()) expect(a[place]).toBeCloseTo(value, 12);
    expect([...learn(new Float64Array(4), related(2))]).toEqual([0.5, 0, 0, 0.5]);
  });
});

describe("clustered", () => {
  test("γ is within 0 and 1, sums to k, and no other such γ has a lower Σ σ²/(η + γ)", () => {
    const sigmas = fc.array(
      fc.integer({ min: 1, max: 400 }).map((x) => x / 16),
      { minLength: 3, maxLength: 6 },
    );
    fc.assert(
      fc.property(
        sigmas,
        fc.integer({ min: 1, max: 2 }),
        fc.integer({ min: 1, max: 20 }),
        (values, k, tenths) => {
          const eta = tenths / 10;
          const gammas = [...clusterSpectrum(Float64Array.from(values), k, eta)];
          const sum = gammas.reduce((a, b) => a + b, 0);
          expect(sum).toBeCloseTo(k, 9);
          expect(Math.min(...gammas)).toBeGreaterThanOrEqual(0);
          expect(Math.max(...gammas)).toBeLessThanOrEqual(1);
          const value = (g: readonly number[]): number =>
            values.reduce((total, sigma, i) => total + (sigma * sigma) / (eta + (g[i] ?? 0)), 0);
          // Brute force: what moves from one to another within the bounds never lowers it.
          for (let from = 0; from < gammas.length; from++)
            for (let to = 0; to < gammas.length; to++) {
              const by = Math.min(gammas[from] ?? 0, 1 - (gammas[to] ?? 0), 1e-3);
              if (from === to || by <= 0) continue;
              const moved = gammas.map((g, i) => g - (i === from ? by : 0) + (i === to ? by : 0));
              expect(value(moved)).toBeGreaterThanOrEqual(value(gammas) * (1 - 1e-9));
            }
        },
      ),
    );
  });

  test("finds two clusters: M is large within them and near 0 between them", () => {
    const tasks = [
      [4, 0, 0.1],
      [4, 0.1, 0],
      [0, 4, 0.1],
      [0.1, 4, 0],
    ];
    const m = clusteredRegulariser.learn?.(productsOf(tasks), related(4, { clusters: 2, eta: 0.1 })) ?? [];
    for (const [a, b] of [
      [0, 1],
      [2, 3],
    ] as const)
      expect(m[a * 4 + b]).toBeGreaterThan(0.4);
    for (const [a, b] of [
      [0, 2],
      [1, 3],
      [0, 3],
    ] as const)
      expect(Math.abs(m[a * 4 + b] ?? 1)).toBeLessThan(0.05);
  });

  test("with as many clusters as W has dimensions it is η times the plain square", () => {
    const tasks = [
      [1, 2],
      [3, -1],
      [0.5, 0.25],
    ];
    const options = { clusters: 2, eta: 0.5 };
    const m = clusteredRegulariser.learn?.(productsOf(tasks), related(3, options));
    const a = clusteredRegulariser.matrix(related(3, options), m);
    const square = tasks.flat().reduce((sum, x) => sum + x * x, 0);
    expect(quadraticValue(a, productsOf(tasks))).toBeCloseTo(0.5 * square, 9);
  });
});

describe("proximal steps", () => {
  test("trace: singular values 5 and 1 become 3 and 0", () => {
    const [a = [], b = []] = proximal("trace", [[5, 0], [0, 1]], 2); // prettier-ignore
    expect([...a, ...b].map((x) => Math.round(x * 1e6) / 1e6 + 0)).toEqual([3, 0, 0, 0]);
  });

  test("l21: a row of norm 5 loses the threshold, one of norm 1 is gone", () => {
    const shrunk = proximal("l21", [[3, 0.6], [4, -0.8]], 2.5).map((w) => w.map((x) => x + 0)); // prettier-ignore
    expect(shrunk).toEqual([[1.5, 0], [2, 0]]); // prettier-ignore
  });

  test("trace: only as many dimensions are left as have singular values above the threshold", () => {
    fc.assert(
      fc.property(anyTasks, fc.integer({ min: 1, max: 40 }), (tasks, threshold) => {
        const after = symmetricEigen(productsOf(proximal("trace", tasks, threshold))).values;
        const before = symmetricEigen(productsOf(tasks)).values;
        before.forEach((value, k) => {
          const left = Math.max(0, Math.sqrt(Math.max(0, value)) - threshold);
          expect(Math.abs(Math.sqrt(Math.max(0, after[k] ?? 0)) - left)).toBeLessThan(2e-3);
        });
      }),
    );
  });

  test.each(["trace", "l21"] as const)("%s: nothing nearby has a lower ½‖X − W‖² + τ·Ω(X)", (name) => {
    const omega = name === "trace" ? nuclear : rowNorms;
    fc.assert(
      fc.property(
        anyTasks,
        fc.integer({ min: 1, max: 40 }),
        fc.infiniteStream(eighths),
        (tasks, quarters, noise) => {
          const threshold = quarters / 4;
          const value = (x: Tasks): number =>
            x.reduce((sum, w, t) => sum + squaredDistance(w, tasks[t] ?? []) / 2, 0) + threshold * omega(x);
          const best = proximal(name, tasks, threshold);
          for (let trial = 0; trial < 5; trial++) {
            const moved = best.map((w) => w.map((x) => x + 0.02 * (noise.next().value as number)));
            expect(value(moved)).toBeGreaterThan(value(best) - 1e-4 * (1 + value(best)));
          }
        },
      ),
    );
  });

  test("refuse counts that do not fit", () => {
    const vectors = [vector([1]), vector([2])];
    const block = { vectors, matrix: new Float64Array(9), copy: vector([0, 0]), numbers: 1 };
    expect(() => mixBlock(arithmetic, block)).toThrow(RangeError);
    expect(() => quadraticValue(new Float64Array(4), new Float64Array(9))).toThrow(RangeError);
  });
});

describe("products", () => {
  test("of blocks add up to the whole's", () => {
    const rows = [
      [1, 2, 3, 4, 5, 6],
      [-1, 0.5, 2, 0, 0, 1],
    ];
    const total = new Float64Array(4);
    addProducts(total, arithmetic.products(rows.map((row) => vector(row.slice(0, 4))), 4)); // prettier-ignore
    addProducts(total, arithmetic.products(rows.map((row) => vector(row.slice(4))), 2)); // prettier-ignore
    expect([...total]).toEqual([91, 12, 12, 6.25]);
    expect(() => addProducts(total, new Float64Array(9))).toThrow(RangeError);
  });
});

describe("regularisers by name", () => {
  test("are found, and an unknown one is answered with the nearest", () => {
    expect(regulariserNamed("none").kind).toBe("none");
    expect(regulariserNamed("mean")).toBe(meanRegulariser);
    expect(() => regulariserNamed("meen")).toThrow(UserError);
    expect(() => regulariserNamed("meen")).toThrow(
      /regulariser\.omega: .*\n.*"none" or "mean".*\n.*write "mean"/,
    );
  });
});
