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
  const before = new Float32Array(image[0] * image[1] * image[2]);
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
      before.set(sample);
      lookUp(before, sample, image, {
        along: arithmetic.cos(radians) / factor,
        across: arithmetic.sin(radians) / factor,
        black,
      });
    };
  };
}

/**
 * Writes what `from` shows at every pixel of `to` after a turn about the middle, bilinear between its four neighbours;
 * beyond the edge there is black.
 * @param look `along` and `across`: cosine and sine of the angle, counted counter-clockwise, divided by the factor
 */
export function lookUp(
  from: Float32Array,
  to: Float32Array,
  [height, width, channels]: Image,
  { along, across, black }: { readonly along: number; readonly across: number; readonly black: number },
): void {
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  const line = width * channels;
  let at = 0;
  for (let row = 0; row < height; row++) {
    const y = row - middleY;
    for (let column = 0; column < width; column++) {
      const x = column - middleX;
      const seenX = along * x - across * y + middleX;
      const seenY = across * x + along * y + middleY;
      const [left, top] = [Math.floor(seenX), Math.floor(seenY)];
      const [rightShare, lowerShare] = [seenX - left, seenY - top];
      const isLeft = left >= 0 && left < width;
      const isRight = left >= -1 && left < width - 1;
      const isTop = top >= 0 && top < height;
      const isBottom = top >= -1 && top < height - 1;
      const corner = top * line + left * channels;
      for (let channel = 0; channel < channels; channel++) {
        const here = corner + channel;
        const topLeft = isTop && isLeft ? (from[here] as number) : black;
        const topRight = isTop && isRight ? (from[here + channels] as number) : black;
        const lowerLeft = isBottom && isLeft ? (from[here + line] as number) : black;
        const lowerRight = isBottom && isRight ? (from[here + line + channels] as number) : black;
        to[at++] =
          (1 - lowerShare) * ((1 - rightShare) * topLeft + rightShare * topRight) +
          lowerShare * ((1 - rightShare) * lowerLeft + rightShare * lowerRight);
      }
    }
  }
}
