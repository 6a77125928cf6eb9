import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dirtyRegulariser } from "./dirty.ts";
import { robustRegulariser } from "./robust.ts";

function shrunk(part: typeof dirtyRegulariser.shared, row: readonly number[], threshold: number): number[] {
  if (part.kind !== "rows") throw new Error(part.kind);
  const values = Float64Array.from(row);
  part.shrink(values, threshold);
  return [...values];
}

describe("the dirty model", () => {
  it("lowers what is largest of a shared row, to one height where the threshold reaches so far", () => {
    expect(shrunk(dirtyRegulariser.shared, [3, -1, 0.5], 1)).toEqual([2, -1, 0.5]);
    expect(shrunk(dirtyRegulariser.shared, [3, -1, 0.5], 3)).toEqual([0.5, -0.5, 0.5]);
    expect(shrunk(dirtyRegulariser.shared, [3, -1, 0.5], 5).map(Math.abs)).toEqual([0, 0, 0]);
  });

  it("lowers every number of the sparse part by the threshold", () => {
    expect(shrunk(dirtyRegulariser.own, [3, -1, 0.5], 0.75)).toEqual([2.25, -0.25, 0]);
  });

  const row = fc.array(
    fc.integer({ min: -40, max: 40 }).map((x) => x / 8),
    { minLength: 1, maxLength: 6 },
  );
  const threshold = fc.integer({ min: 0, max: 40 }).map((x) => x / 8);
  const away = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 });

  it.each([
    ["shared", (x: readonly number[]) => Math.max(...x.map(Math.abs))],
    ["own", (x: readonly number[]) => x.reduce((sum, value) => sum + Math.abs(value), 0)],
  ] as const)("takes a step of the %s part than which nothing nearby is better", (part, norm) => {
    fc.assert(
      fc.property(row, threshold, away, (values, tau, direction) => {
        const found = shrunk(dirtyRegulariser[part], values, tau);
        const cost = (x: readonly number[]): number =>
          x.reduce((sum, value, at) => sum + (value - (values[at] as number)) ** 2, 0) / 2 + tau * norm(x);
        for (const step of [1e-3, 1e-2, 0.3]) {
          const other = found.map((value, at) => value + step * (direction[at] as number));
          expect(cost(found)).toBeLessThanOrEqual(cost(other) + 1e-9);
        }
      }),
    );
  });
});

describe("the robust model", () => {
  it("shortens each task's column of the sparse part, to zero at most", () => {
    const { own } = robustRegulariser;
    expect(own.kind === "spectral" && [...own.shrink(Float64Array.of(25, 3, 3, 1), 2)]).toEqual([
      0.6, 0, 0, 0,
    ]);
  });

  it("lowers the shared part's singular values: 5 and 1 become 3 and 0", () => {
    const { shared } = robustRegulariser;
    const matrix = shared.kind === "spectral" ? [...shared.shrink(Float64Array.of(25, 0, 0, 1), 2)] : [];
    for (const [at, value] of [0.6, 0, 0, 0].entries()) expect(matrix[at]).toBeCloseTo(value, 12);
  });
});
