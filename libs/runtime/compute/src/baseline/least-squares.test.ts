import { beforeAll, describe, expect, it } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { Tf } from "../layers/tensorflow.ts";
import { uniform } from "../testing/keyed.ts";
import { fitLinearMap, linearMapError } from "./least-squares.ts";
import { momentsOf } from "./moments.ts";

let tf: Tf;
beforeAll(async () => {
  ({ tf } = await loadBackend({ name: "cpu" }));
});

const [rows, width, targetWidth] = [300, 4, 3];
const source = uniform(rows * width, -1, 1, "source", 0);

/** W·x + b, with weights known here. */
function mapped(x: Float32Array): Float32Array {
  const y = new Float32Array((x.length / width) * targetWidth);
  for (let at = 0; at < y.length; at++) {
    const [row, column] = [Math.floor(at / targetWidth), at % targetWidth];
    let sum = 0.5 * column;
    for (let from = 0; from < width; from++)
      sum += (x[row * width + from] as number) * (from === column ? 2 : -0.25 * from);
    y[at] = sum;
  }
  return y;
}

describe("least squares from rows to rows", () => {
  it("finds an affine map that there is, and foretells rows it was not fitted to", () => {
    const map = fitLinearMap(tf, source, mapped(source), momentsOf(tf, source, width));
    expect(map.weights[0]).toBeCloseTo(2, 3);
    expect(map.weights[3 * targetWidth]).toBeCloseTo(-0.75, 3);
    const fresh = uniform(50 * width, -1, 1, "fresh", 1);
    expect(linearMapError(tf, map, fresh, mapped(fresh))).toBeLessThan(1e-6);
  });

  it("leaves what the source says nothing of at the target's variance", () => {
    const target = uniform(rows * targetWidth, -1, 1, "apart", 2);
    const map = fitLinearMap(tf, source, target, momentsOf(tf, source, width));
    // Uniform between -1 and 1: variance 1/3, less what 4 columns explain of 300 rows by chance.
    expect(linearMapError(tf, map, source, target)).toBeGreaterThan(0.29);
    expect(linearMapError(tf, map, source, target)).toBeLessThan(0.36);
  });

  it("bears columns that never change, and columns twice", () => {
    const wide = new Float32Array(rows * 6);
    for (let row = 0; row < rows; row++) {
      wide.set(source.subarray(row * width, (row + 1) * width), row * 6);
      wide[row * 6 + 4] = 7;
      wide[row * 6 + 5] = source[row * width] as number;
    }
    const map = fitLinearMap(tf, wide, mapped(source), momentsOf(tf, wide, 6));
    expect(map.weights.every(Number.isFinite)).toBe(true);
    expect(linearMapError(tf, map, wide, mapped(source))).toBeLessThan(1e-5);
  });
});
