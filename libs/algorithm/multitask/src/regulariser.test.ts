import { loadArithmetic } from "@latentweave/arithmetic";
import { UserError } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addProducts, addQuadraticGradient, blockProducts } from "./block.ts";
import { regulariserNamed } from "./registry.ts";
import { meanRegulariser, quadraticValue } from "./regulariser.ts";

const arithmetic = loadArithmetic();

function vector(values: ArrayLike<number>): number {
  const pointer = arithmetic.allocate(values.length * 4);
  arithmetic.f32(pointer, values.length).set(values);
  return pointer;
}

/** Σ‖w_t − w̄‖² in float64, from its words. */
function spread(rows: readonly (readonly number[])[]): number {
  const mean = (rows[0] ?? []).map((_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length);
  return rows.reduce((sum, row) => sum + row.reduce((s, x, i) => s + (x - (mean[i] ?? 0)) ** 2, 0), 0);
}

const eighths = fc.integer({ min: -80, max: 80 }).map((x) => x / 8); // exact in float32
const taskRows = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 }))
  .chain(([tasks, n]) =>
    fc.array(fc.array(eighths, { minLength: n, maxLength: n }), { minLength: tasks, maxLength: tasks }),
  );

describe("the mean regulariser", () => {
  test("is the tasks' squared distance from their mean", () => {
    fc.assert(
      fc.property(taskRows, (rows) => {
        const products = blockProducts(arithmetic, rows.map(vector), rows[0]?.length ?? 0);
        const value = quadraticValue(meanRegulariser.matrix(rows.length, undefined), products);
        expect(Math.abs(value - spread(rows))).toBeLessThan(1e-9 * (1 + spread(rows)));
      }),
    );
  });

  test("has a known value and gradient: tasks at 1 and 3", () => {
    const matrix = meanRegulariser.matrix(2, undefined);
    expect([...matrix]).toEqual([0.5, -0.5, -0.5, 0.5]);
    const params = [vector([1]), vector([3])];
    expect(quadraticValue(matrix, blockProducts(arithmetic, params, 1))).toBe(2);
    const gradients = [vector([10]), vector([10])];
    addQuadraticGradient(arithmetic, { matrix, lambda: 0.5, params, gradients, numbers: 1 });
    expect(gradients.map((pointer) => arithmetic.f32(pointer, 1)[0])).toEqual([9, 11]);
  });

  test("adds the gradient that finite differences give", () => {
    fc.assert(
      fc.property(taskRows, (rows) => {
        const numbers = rows[0]?.length ?? 0;
        const lambda = 0.3;
        const gradients = rows.map((row) => vector(row.map(() => 0)));
        const matrix = meanRegulariser.matrix(rows.length, undefined);
        addQuadraticGradient(arithmetic, { matrix, lambda, params: rows.map(vector), gradients, numbers });
        const h = 1e-4;
        rows.forEach((row, task) => {
          row.forEach((_, i) => {
            const moved = (by: number) =>
              rows.map((other, t) => other.map((x, j) => (t === task && j === i ? x + by : x)));
            const slope = (lambda * (spread(moved(h)) - spread(moved(-h)))) / (2 * h);
            const own = arithmetic.f32(gradients[task] ?? 0, numbers)[i] ?? Number.NaN;
            expect(Math.abs(own - slope)).toBeLessThan(2e-5);
          });
        });
      }),
      { numRuns: 40 },
    );
  });

  test("vanishes where all tasks agree, and for a single task", () => {
    const agree = [1, 2, 3].map(() => vector([0.25, -4]));
    expect(
      quadraticValue(meanRegulariser.matrix(3, undefined), blockProducts(arithmetic, agree, 2)),
    ).toBeCloseTo(0, 12);
    expect([...meanRegulariser.matrix(1, undefined)]).toEqual([0]);
  });

  test("refuses counts that do not fit", () => {
    const matrix = meanRegulariser.matrix(2, undefined);
    const [a, b] = [vector([1]), vector([2])];
    const block = { matrix, lambda: 1, params: [a, b], gradients: [a], numbers: 1 };
    expect(() => addQuadraticGradient(arithmetic, block)).toThrow(RangeError);
    expect(() => quadraticValue(matrix, new Float64Array(9))).toThrow(RangeError);
  });
});

describe("products", () => {
  test("of blocks add up to the whole's", () => {
    const rows = [
      [1, 2, 3, 4, 5, 6],
      [-1, 0.5, 2, 0, 0, 1],
    ];
    const total = new Float64Array(4);
    addProducts(total, blockProducts(arithmetic, rows.map((row) => vector(row.slice(0, 4))), 4)); // prettier-ignore
    addProducts(total, blockProducts(arithmetic, rows.map((row) => vector(row.slice(4))), 2)); // prettier-ignore
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
      /regulariser\.omega: .*\n.*"none" or "mean"\n.*write "mean"/,
    );
  });
});
