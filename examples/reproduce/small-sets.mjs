/** Sets of images that are made of MNIST and Fashion-MNIST, as IDX files, and tasks of few rows of them, 14 × 14. */
import { idxOf, openImages, pixels, side, turned, writeIdx } from "./image-sets.mjs";

/** Enough for 1,000 training and 1,000 validation rows; and for a test error that is steady to a few tenths of a percent. */
const mostRows = { train: 2_000, test: 2_000 };

/** A task that reconstructs rows of a set. @param seed deals the training and the validation rows */
export function setTask(set, { rows, validationRows, seed }) {
  const { train: pool } = mostRows;
  const split = { validation: validationRows / pool, trainRows: rows, seed };
  return {
    data: { idx: idxOf(set), scale: "unit", width: 196, limit: pool, split },
    ...{ encoder: [], decoder: [], reconstruction: { loss: "mse", weight: 1 } },
    ...{ microBatch: 25, slots: 2 },
  };
}

export async function writeSets(folder) {
  const read = await openImages();
  const digits = await read("mnist");
  const clothes = await read("fashion-mnist");
  const write = (name, source, keep, change = (image) => image) => {
    for (const split of ["train", "test"])
      writeIdx(folder, name, split, source[split], keep, change, mostRows[split]);
  };
  const all = (label) => label;
  const some = (labels) => (label) => {
    const place = labels.indexOf(label);
    return place < 0 ? undefined : place;
  };
  write("digits", digits, all);
  write("digits-low", digits, some([0, 1, 2, 3, 4]));
  write("digits-high", digits, some([5, 6, 7, 8, 9]));
  write("digits-turned", digits, all, turned(Math.PI / 6));
  write("digits-shuffled", digits, all, shuffled());
  write("clothes", clothes, all);
  // Pullovers and coats; T-shirts and shirts; ankle boots; sandals and sneakers.
  write("warm-tops", clothes, some([2, 4]));
  write("light-tops", clothes, some([0, 6]));
  write("boots", clothes, some([9]));
  write("shoes", clothes, some([5, 7]));
}

/** Squares of 2 × 2 pixels in another order, always the same: what 14 × 14 images are made of stays whole. */
function shuffled() {
  const squares = side / 2;
  const order = [...Array(squares * squares).keys()];
  // Fisher and Yates, with a generator that is the same everywhere: x ← 1664525·x + 1013904223 mod 2³².
  let state = 1;
  for (let at = order.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return (image) => {
    const changed = new Uint8Array(pixels);
    for (const [to, from] of order.entries())
      for (const [dy, dx] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ])
        changed[pixelOf(to, squares, dy, dx)] = image[pixelOf(from, squares, dy, dx)];
    return changed;
  };
}

function pixelOf(square, squares, dy, dx) {
  return (2 * Math.floor(square / squares) + dy) * side + 2 * (square % squares) + dx;
}
