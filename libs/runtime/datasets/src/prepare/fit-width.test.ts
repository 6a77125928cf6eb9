import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitWidth } from "./fit-width.ts";
import { denseValues, type LoadedSource } from "./loaded-source.ts";

function source(shape: number[], x: Uint8Array | Float32Array, categorical?: boolean[]): LoadedSource {
  const width = shape.reduce((product, size) => product * size, 1);
  return {
    x: { dtype: x instanceof Uint8Array ? "uint8" : "float32", shape, width },
    y: null,
    categorical,
    oneHot: [],
    train: { rows: x.length / width, x, y: undefined },
    test: undefined,
  };
}

describe("one width for samples of different shape", () => {
  it("puts zeros at the end of a table's rows, which no scaling touches", () => {
    const fitted = fitWidth(source([2], Float32Array.of(1, 2, 3, 4), [false, true]), 5);
    expect(fitted.x).toMatchObject({ shape: [5], width: 5 });
    expect([...denseValues(fitted.train.x)]).toEqual([1, 2, 0, 0, 0, 3, 4, 0, 0, 0]);
    expect(fitted.categorical).toEqual([false, true, true, true, true]);
  });

  it("averages images down to the largest square that fits", () => {
    // 4×4 into width 5: 2×2 squares of four pixels each, and one zero.
    const pixels = Uint8Array.from({ length: 16 }, (_, index) => index);
    const fitted = fitWidth(source([4, 4, 1], pixels), 5);
    // Means 2.5, 4.5, 10.5 and 12.5, rounded half up.
    expect([...denseValues(fitted.train.x)]).toEqual([3, 5, 11, 13, 0]);
    expect(fitted.train.x).toBeInstanceOf(Uint8Array);
  });

  it("counts a pixel that lies across a border by its shares", () => {
    const fitted = fitWidth(source([3, 3, 1], Float32Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0)), 4);
    // Each of the 2×2 squares covers 1.5 × 1.5 pixels, of which the first one covers the whole first pixel.
    expect([...denseValues(fitted.train.x)]).toEqual([4, 0, 0, 0]);
  });

  it("keeps an image's mean, whatever the sizes", () => {
    const size = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 3 }), size, (height, width, channels, side) => {
        const numbers = height * width * channels;
        fc.pre(numbers > side * side * channels);
        const x = Float32Array.from({ length: numbers }, (_, index) => (index * 7) % 11);
        const { train } = fitWidth(source([height, width, channels], x), side * side * channels);
        const mean = (values: ArrayLike<number>): number =>
          Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
        expect(mean(denseValues(train.x))).toBeCloseTo(mean(x), 4);
      }),
    );
  });

  it("leaves small images as they are, and refuses tables that are too wide", () => {
    expect([...denseValues(fitWidth(source([1, 2, 1], Uint8Array.of(7, 8)), 3).train.x)]).toEqual([7, 8, 0]);
    expect(() => fitWidth(source([3], Float32Array.of(1, 2, 3)), 2)).toThrow(
      "a sample has 3 numbers, more than width: 2",
    );
  });
});
