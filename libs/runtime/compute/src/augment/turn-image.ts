/**
 * Rotations and enlargements: an image is looked up between its pixels. All numbers are float64 by + − × ÷ and the
 * module's own sine and cosine, rounded to float32 once, so that they are the same on every machine.
 */
import type { Arithmetic } from "@latentweave/arithmetic";
import { type Change, type Image, spread } from "./change.ts";

export type Turn =
  | { readonly kind: "rotate"; readonly degrees: number }
  | { readonly kind: "scale"; readonly from: number; readonly to: number };

const radiansPerDegree = 0.017453292519943295;

/**
 * Neighbouring rotations and enlargements at once: angles add up and factors multiply, whatever their order, and every
 * look-up between pixels that is saved leaves the image sharper.
 * @param turns each with its index in the task's list
 */
export function turn(
  turns: readonly (readonly [index: number, turn: Turn])[],
  image: Image,
  black: number,
  arithmetic: Arithmetic,
): Change {
  const lookUp = createLookUp(image, black);
  return (samples, random) => {
    const drawn = turns.map(([index, each]) => [each, random(index).uniform(samples, 0)] as const);
    return (sample, at) => {
      let [degrees, factor] = [0, 1];
      for (const [each, draws] of drawn) {
        const draw = draws[at] as number;
        if (each.kind === "rotate") degrees += spread(draw, -each.degrees, each.degrees);
        else factor *= spread(draw, each.from, each.to);
      }
      const radians = degrees * radiansPerDegree;
      lookUp(sample, arithmetic.cos(radians) / factor, arithmetic.sin(radians) / factor);
    };
  };
}

/**
 * Makes of a sample what it shows after a turn about the middle, bilinear between four neighbours; beyond the edge there
 * is black.
 * @param along, across cosine and sine of the angle, counted counter-clockwise, divided by the factor
 */
export type LookUp = (sample: Float32Array, along: number, across: number) => void;

/** Keeps memory for one image with black around it, so that no neighbour has to be asked for whether it is there. */
export function createLookUp([height, width, channels]: Image, black: number): LookUp {
  const line = width * channels;
  // One column and row of black before the image; two behind it, since what is beyond is looked up between those.
  const framedLine = (width + 3) * channels;
  const framed = new Float32Array((height + 3) * framedLine).fill(black);
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  return (sample, along, across) => {
    for (let row = 0, at = 0; row < height; row++)
      for (let to = (row + 1) * framedLine + channels, end = to + line; to < end; to++)
        framed[to] = sample[at++] as number;
    let at = 0;
    for (let row = 0; row < height; row++) {
      const y = row - middleY;
      // Counted from the frame's corner: never negative, so that `| 0` rounds down.
      const [startX, startY] = [middleX + 1 - across * y, middleY + 1 + along * y];
      for (let column = 0; column < width; column++) {
        const x = column - middleX;
        const seenX = between(startX + along * x, width + 1);
        const seenY = between(startY + across * x, height + 1);
        const left = seenX | 0;
        const top = seenY | 0;
        const rightShare = seenX - left;
        const lowerShare = seenY - top;
        let here = top * framedLine + left * channels;
        for (let channel = 0; channel < channels; channel++, here++) {
          const below = here + framedLine;
          const upper =
            (1 - rightShare) * (framed[here] as number) + rightShare * (framed[here + channels] as number);
          const lower =
            (1 - rightShare) * (framed[below] as number) + rightShare * (framed[below + channels] as number);
          sample[at++] = (1 - lowerShare) * upper + lowerShare * lower;
        }
      }
    }
  };
}

/** Plain comparisons: Math.min and Math.max, which mind the sign of zero, cost a third of the whole. */
function between(place: number, most: number): number {
  return place < 0 ? 0 : place > most ? most : place;
}
