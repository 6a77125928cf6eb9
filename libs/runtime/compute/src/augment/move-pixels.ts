/** Changes that give whole pixels other places, or black in their place: no number is computed. */
import type { Change, Image } from "./change.ts";

/** @param axis `horizontal` swaps left and right */
export function flip(
  index: number,
  { axis, rate }: { readonly axis: "horizontal" | "vertical"; readonly rate: number },
  image: Image,
): Change {
  const mirror = axis === "horizontal" ? mirrorRows : mirrorColumns;
  return (samples, random) => {
    const drawn = random(index).uniform(samples, 0);
    return (sample, at) => {
      if ((drawn[at] as number) < rate) mirror(sample, image);
    };
  };
}

export function shift(index: number, pixels: number, image: Image, black: number): Change {
  const before = new Float32Array(image[0] * image[1] * image[2]);
  const places = 2 * pixels + 1;
  return (samples, random) => {
    const drawn = random(index).uniform(2 * samples, 0);
    return (sample, at) => {
      const [right, down] = [drawn[2 * at] as number, drawn[2 * at + 1] as number];
      before.set(sample);
      moveBy(before, sample, image, {
        ...{ right: Math.floor(right * places) - pixels, down: Math.floor(down * places) - pixels },
        black,
      });
    };
  };
}

/** The square lies about its pixel: what of it is outside is cut off. */
export function cutout(
  index: number,
  { size, rate }: { readonly size: number; readonly rate: number },
  [height, width, channels]: Image,
  black: number,
): Change {
  return (samples, random) => {
    const middles = random(index).uniform(2 * samples, 0);
    const happens = random(index).uniform(samples, 1);
    return (sample, at) => {
      if (!((happens[at] as number) < rate)) return;
      const left = Math.floor((middles[2 * at] as number) * width) - (size >> 1);
      const top = Math.floor((middles[2 * at + 1] as number) * height) - (size >> 1);
      const [from, to] = [Math.max(0, left), Math.min(width, left + size)];
      for (let row = Math.max(0, top); row < Math.min(height, top + size); row++)
        sample.fill(black, (row * width + from) * channels, (row * width + to) * channels);
    };
  };
}

/** Swaps left and right. */
export function mirrorRows(sample: Float32Array, [height, width, channels]: Image): void {
  for (let row = 0; row < height; row++)
    for (let left = 0, right = width - 1; left < right; left++, right--) {
      const [a, b] = [(row * width + left) * channels, (row * width + right) * channels];
      for (let channel = 0; channel < channels; channel++) swap(sample, a + channel, b + channel);
    }
}

/** Swaps top and bottom. */
export function mirrorColumns(sample: Float32Array, [height, width, channels]: Image): void {
  const line = width * channels;
  for (let top = 0, bottom = height - 1; top < bottom; top++, bottom--)
    for (let at = 0; at < line; at++) swap(sample, top * line + at, bottom * line + at);
}

/** Writes `from`, moved to the right and down, over `to`; black comes in. */
export function moveBy(
  from: Float32Array,
  to: Float32Array,
  [height, width, channels]: Image,
  { right, down, black }: { readonly right: number; readonly down: number; readonly black: number },
): void {
  to.fill(black);
  const line = width * channels;
  const [begin, end] = [Math.max(0, -right) * channels, (width - Math.max(0, right)) * channels];
  if (begin >= end) return;
  for (let row = Math.max(0, -down); row < height - Math.max(0, down); row++)
    for (let at = begin, there = (row + down) * line + begin + right * channels; at < end; at++, there++)
      to[there] = from[row * line + at] as number;
}

function swap(values: Float32Array, a: number, b: number): void {
  const kept = values[a] as number;
  values[a] = values[b] as number;
  values[b] = kept;
}
