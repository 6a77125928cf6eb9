import type { CombinerName } from "@latentweave/job";
import { describe, expect, it } from "vitest";
import { arithmetic } from "./testing/ask.ts";
import { arrivals, landscape, type Point } from "./testing/toy-landscape.ts";

describe("the toy landscape", () => {
  it("has the gradients of finite differences", () => {
    const points: Point[] = [
      [-8.5, 7.5],
      [9, 9],
      [-7.5, -0.5],
      [9, -1],
      [0.3, 2],
      [1, -8],
    ];
    const h = 1e-6;
    for (const [x, y] of points)
      for (const loss of [0, 1] as const) {
        const at = (dx: number, dy: number): number => landscape(arithmetic, [x + dx, y + dy])[loss].value;
        const { slope } = landscape(arithmetic, [x, y])[loss];
        expect(slope[0]).toBeCloseTo((at(h, 0) - at(-h, 0)) / (2 * h), 6);
        expect(slope[1]).toBeCloseTo((at(0, h) - at(0, -h)) / (2 * h), 6);
      }
  });

  it("has the values of the authors' code", () => {
    // Of their Toy(scale=0.1), by hand: at (0, −8) each bowl is 4.9 − 20, and tanh(4) of it counts.
    const [first, second] = landscape(arithmetic, [0, -8]);
    expect(first.value).toBeCloseTo(0.1 * -15.1 * Math.tanh(4), 12);
    expect(second.value).toBeCloseTo(-15.1 * Math.tanh(4), 12);
  });
});

/** Of five starts, as the papers have it; aligned-mtl: see docs/combining.md. */
describe("in 50,000 steps from the authors' five starts", () => {
  it.each<[CombinerName, number]>([
    ["sum", 4],
    ["pcgrad", 4],
    ["cagrad", 4],
    ["aligned-mtl", 5],
    ["mgda", 5],
    ["imtl-g", 5],
    ["nash-mtl", 5],
    ["famo", 5],
  ])(
    "%s reaches the Pareto front from %i",
    (name, count) => {
      const reached = arrivals(arithmetic, name).filter(({ distance }) => distance < 0.1);
      expect(reached).toHaveLength(count);
    },
    600_000,
  );
});
