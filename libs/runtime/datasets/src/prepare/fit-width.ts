import { UserError } from "@latentweave/protocol";
import { denseValues, type LoadedRows, type LoadedSource } from "./loaded-source.ts";

/**
 * Brings samples to one width, so that tasks of different shape can enter the same layers: a row of a table gets zeros
 * at its end; an image of more numbers than that is averaged down to the largest square that fits, then gets zeros at
 * its end. Zeros stay zeros when the sample is scaled.
 * @throws UserError when a row of a table is wider than the width
 */
export function fitWidth(loaded: LoadedSource, width: number | undefined): LoadedSource {
  if (width === undefined) return loaded;
  const { x } = loaded;
  const image = x.shape.length === 3 && x.width > width;
  if (!image && x.width > width)
    throw new UserError({
      what: `a sample has ${x.width} numbers, more than width: ${width}`,
      where: "the task's data",
      expected: `a width of ${x.width} or more, or images, which can be averaged down`,
      mend: "raise width in every task's data, or name fewer features",
    });
  const [high = 1, wide = 1, channels = 1] = x.shape;
  const size: Size = [high, wide, channels];
  const narrow = image ? averageDown(size, squareSide(size, width)) : undefined;
  const fit = (rows: LoadedRows): LoadedRows => ({ ...rows, x: padded(rows, x.width, width, narrow) });
  const padding = new Array<boolean>(width - x.width > 0 ? width - x.width : 0).fill(true);
  return {
    ...loaded,
    x: { ...x, shape: [width], width },
    categorical: loaded.categorical && [...loaded.categorical, ...padding],
    train: fit(loaded.train),
    test: loaded.test && fit(loaded.test),
  };
}

/** Height, width, channels. */
type Size = readonly [number, number, number];
type Narrow = (from: ArrayLike<number>, start: number, to: Float64Array) => number;

function padded(
  loaded: LoadedRows,
  from: number,
  width: number,
  narrow: Narrow | undefined,
): LoadedRows["x"] {
  const { rows } = loaded;
  const x = denseValues(loaded.x);
  const bytes = x instanceof Uint8Array;
  const result = bytes ? new Uint8Array(rows * width) : new Float32Array(rows * width);
  const sample = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    if (!narrow) result.set(x.subarray(row * from, (row + 1) * from), row * width);
    else {
      const numbers = narrow(x, row * from, sample);
      for (let index = 0; index < numbers; index++) {
        const value = sample[index] as number;
        result[row * width + index] = bytes ? Math.floor(value + 0.5) : value;
      }
    }
  }
  return result;
}

function squareSide([, , channels]: Size, width: number): number {
  const side = Math.floor(Math.sqrt(width / channels));
  if (side < 1)
    throw new UserError({
      what: `an image of ${channels} channels does not fit into width: ${width}`,
      where: "the task's data",
      expected: `a width of ${channels} or more`,
      mend: "raise width in every task's data",
    });
  return side;
}

/** Every pixel of the small image is the mean of the area of the large one that it covers, parts of pixels by share. */
function averageDown([height, width, channels]: Size, side: number): Narrow {
  const rows = coverage(height, side);
  const columns = coverage(width, side);
  const area = (height / side) * (width / side);
  return (from, start, to) => {
    let at = 0;
    for (const row of rows)
      for (const column of columns)
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (const { place: y, share: down } of row)
            for (const { place: x, share: across } of column)
              sum += (from[start + (y * width + x) * channels + channel] as number) * down * across;
          to[at++] = sum / area;
        }
    return at;
  };
}

/** For each of `parts` equal stretches of an axis: the places it touches, and how much of each it covers. */
function coverage(length: number, parts: number): readonly (readonly { place: number; share: number }[])[] {
  return Array.from({ length: parts }, (_, part) => {
    const start = (part * length) / parts;
    const end = ((part + 1) * length) / parts;
    return Array.from({ length }, (__, place) => ({
      place,
      share: Math.min(end, place + 1) - Math.max(start, place),
    })).filter(({ share }) => share > 0);
  });
}
