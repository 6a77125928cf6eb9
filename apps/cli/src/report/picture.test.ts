import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { drawPicture, type PictureBlock } from "./picture.ts";

const white = [255, 255, 255];

function pixel(png: PNG, x: number, y: number): number[] {
  const at = (y * png.width + x) * 4;
  return [...png.data.subarray(at, at + 3)];
}

/** Left edge, top edge and colour of every square of four by four equal dots that are neither white nor ink. */
function colouredDots(png: PNG): Map<string, number> {
  const counts = new Map<string, number>();
  for (let y = 0; y < png.height; y++)
    for (let x = 0; x < png.width; x++) {
      const key = pixel(png, x, y).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return counts;
}

describe("the picture of reconstructions", () => {
  const block: PictureBlock = {
    title: "digits",
    ...{ height: 2, width: 3, channels: 1 },
    rows: [
      { label: "a", images: [Float32Array.of(0.2, 0.2, 0.2, 0.2, 0.2, 0.2), new Float32Array(6).fill(0.4)] },
      { label: "b", images: [new Float32Array(6).fill(0.6), new Float32Array(6).fill(0.8)] },
    ],
  };

  it("draws every number as a square of four by four dots on white", () => {
    const png = PNG.sync.read(drawPicture([block]));
    const counts = colouredDots(png);
    for (const value of [51, 102, 153, 204])
      expect(counts.get([value, value, value].join())).toBe(2 * 3 * 16);
    for (const [x, y] of [
      [0, 0],
      [png.width - 1, 0],
      [0, png.height - 1],
      [png.width - 1, png.height - 1],
    ] as const)
      expect(pixel(png, x, y)).toEqual(white);
  });

  it("sets images of one row side by side, and rows below each other, in order", () => {
    const png = PNG.sync.read(drawPicture([block]));
    const corner = (value: number): [number, number] => {
      for (let y = 0; y < png.height; y++)
        for (let x = 0; x < png.width; x++)
          if (pixel(png, x, y).every((channel) => channel === value)) return [x, y];
      throw new Error(`no dot of ${value}`);
    };
    const [a, b, c, d] = [corner(51), corner(102), corner(153), corner(204)];
    expect(b).toEqual([a[0] + 3 * 4 + 6, a[1]]);
    expect(c).toEqual([a[0], a[1] + 2 * 4 + 6]);
    expect(d).toEqual([b[0], c[1]]);
  });

  it("keeps colours apart, and numbers beyond 0 and 1 at the ends", () => {
    const coloured: PictureBlock = {
      ...{ title: "colours", height: 1, width: 1, channels: 3 },
      rows: [{ label: "c", images: [Float32Array.of(1.5, -0.5, 0.4)] }],
    };
    const counts = colouredDots(PNG.sync.read(drawPicture([coloured])));
    expect(counts.get("255,0,102")).toBe(16);
  });
});
