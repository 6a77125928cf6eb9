import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { augmented, digest, pixels, place, planOf, source } from "../testing/augmenting.ts";
import type { Image } from "./change.ts";
import { mirrorColumns, mirrorRows, moveBy } from "./move-pixels.ts";
import { createLookUp } from "./turn-image.ts";

/** What `from` becomes, in `to`. */
function lookUp(
  from: Float32Array,
  to: Float32Array,
  image: Image,
  { along, across, black }: { readonly along: number; readonly across: number; readonly black: number },
): void {
  to.set(from);
  createLookUp(image, black)(to, along, across);
}

/** An image of any shape, of numbers that a float32 holds. */
const images = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3 }))
  .chain(([height, width, channels]) =>
    fc.record({
      image: fc.constant<Image>([height, width, channels]),
      values: fc.float32Array({
        ...{ minLength: height * width * channels, maxLength: height * width * channels },
        ...{ noNaN: true, noDefaultInfinity: true, min: -4, max: 4 },
      }),
    }),
  );

describe("a mirrored image", () => {
  it("is what it was when it is mirrored once more", () => {
    fc.assert(
      fc.property(images, fc.constantFrom(mirrorRows, mirrorColumns), ({ image, values }, mirror) => {
        const mirrored = values.slice();
        mirror(mirrored, image);
        mirror(mirrored, image);
        expect(digest(mirrored)).toBe(digest(values));
      }),
    );
  });

  it("has left and right, or top and bottom, in each other's place, and every pixel's channels together", () => {
    const values = Float32Array.of(1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6);
    const [across, down] = [values.slice(), values.slice()];
    mirrorRows(across, [2, 3, 2]);
    expect([...across]).toEqual([3, -3, 2, -2, 1, -1, 6, -6, 5, -5, 4, -4]);
    mirrorColumns(down, [2, 3, 2]);
    expect([...down]).toEqual([4, -4, 5, -5, 6, -6, 1, -1, 2, -2, 3, -3]);
  });
});

describe("a shifted image", () => {
  it("has every pixel that stayed in it where it went, and black elsewhere", () => {
    const shifts = fc.integer({ min: -10, max: 10 });
    fc.assert(
      fc.property(images, shifts, shifts, ({ image, values }, right, down) => {
        const [height, width, channels] = image;
        const moved = new Float32Array(values.length);
        moveBy(values, moved, image, { right, down, black: 7 });
        for (let row = 0; row < height; row++)
          for (let column = 0; column < width; column++)
            for (let channel = 0; channel < channels; channel++) {
              const [fromRow, fromColumn] = [row - down, column - right];
              const isInside = fromRow >= 0 && fromRow < height && fromColumn >= 0 && fromColumn < width;
              const expected = isInside ? values[(fromRow * width + fromColumn) * channels + channel] : 7;
              expect(moved[(row * width + column) * channels + channel]).toBe(expected);
            }
      }),
    );
  });

  it("goes every way, to each place as often", () => {
    const [samples, side, reach] = [5_000, 5, 2];
    const x = new Float32Array(samples * side * side);
    for (let at = 0; at < samples; at++) x[at * side * side + 12] = 1;
    const shifted = augmented(
      planOf([{ kind: "shift", pixels: reach }], { image: [side, side, 1] }),
      x,
      samples,
    );
    const counts = new Float32Array(side * side);
    shifted.forEach((value, at) => (counts[at % (side * side)] = (counts[at % (side * side)] ?? 0) + value));
    // 25 places, 200 each on average, with a standard deviation of 13.9.
    expect(Math.min(...counts)).toBeGreaterThan(200 - 5 * 14);
    expect(Math.max(...counts)).toBeLessThan(200 + 5 * 14);
  });
});

describe("a turned image", () => {
  it("is what it was after a turn by nothing", () => {
    fc.assert(
      fc.property(images, ({ image, values }) => {
        const turned = new Float32Array(values.length);
        lookUp(values, turned, image, { along: 1, across: 0, black: 9 });
        // A negative zero may have become a positive one.
        expect([...turned].map((value) => value + 0)).toEqual([...values].map((value) => value + 0));
      }),
    );
  });

  it("by a quarter goes counter-clockwise, and is what it was after four", () => {
    const quarter = { along: 0, across: 1, black: 9 };
    const start = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const turned = new Float32Array(9);
    lookUp(start, turned, [3, 3, 1], quarter);
    expect([...turned]).toEqual([3, 6, 9, 2, 5, 8, 1, 4, 7]);
    let last = turned;
    for (let more = 0; more < 3; more++) {
      const next = new Float32Array(9);
      lookUp(last, next, [3, 3, 1], quarter);
      last = next;
    }
    expect(last).toEqual(start);
  });

  it("at twice the size shows its middle, each pixel halfway between those that there were", () => {
    const turned = new Float32Array(9);
    lookUp(Float32Array.of(0, 0, 0, 0, 8, 4, 0, 0, 0), turned, [3, 3, 1], {
      along: 0.5,
      across: 0,
      black: 0,
    });
    expect([...turned]).toEqual([2, 4, 3, 4, 8, 6, 2, 4, 3]);
  });

  it("shows no number beyond those of the image and black, and black alone of a black one", () => {
    const turn = fc.record({
      along: fc.double({ min: -2, max: 2, noNaN: true }),
      across: fc.double({ min: -2, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(images, turn, ({ image, values }, look) => {
        const turned = new Float32Array(values.length);
        lookUp(values, turned, image, { ...look, black: 0 });
        expect(Math.min(...turned)).toBeGreaterThanOrEqual(Math.min(0, ...values));
        expect(Math.max(...turned)).toBeLessThanOrEqual(Math.max(0, ...values));
        const black = values.slice().fill(0.25);
        lookUp(black, turned, image, { ...look, black: 0.25 });
        expect(new Set(turned)).toEqual(new Set([0.25]));
      }),
    );
  });

  it("is looked up once for neighbouring rotations and enlargements, whatever their order", () => {
    const x = pixels(4 * 126, "x");
    const changes = [
      { kind: "rotate", degrees: 30 },
      { kind: "scale", from: 0.8, to: 1.25 },
    ] as const;
    const once = augmented(planOf(changes), x, 4);
    const draw = (index: number): number =>
      source.at(place, `digits/augment/${index}`).uniform(4, 0)[1] as number;
    const angle = ((60 * draw(0) - 30) * Math.PI) / 180;
    const factor = 0.8 + 0.45 * draw(1);
    const expected = new Float32Array(126);
    lookUp(x.subarray(126, 252), expected, [7, 9, 2], {
      ...{ along: Math.cos(angle) / factor, across: Math.sin(angle) / factor, black: 0 },
    });
    once.subarray(126, 252).forEach((value, at) => expect(value).toBeCloseTo(expected[at] as number, 5));
    // Behind something else in between there are two look-ups, which blur more.
    const twice = augmented(planOf([changes[0], { kind: "shift", pixels: 1 }, changes[1]]), x, 4);
    expect(digest(twice)).not.toBe(digest(once));
  });
});
