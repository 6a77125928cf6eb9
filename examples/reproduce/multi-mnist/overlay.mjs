/** Two digits in one image, as Sener and Koltun (2018) make them after Sabour et al. (2017). */
import { side } from "../image-sets.mjs";

/** Of the canvas that holds two digits. */
const canvasSide = 36;
const shift = canvasSide - side;

/**
 * The left digit lies at the top left of the canvas, the right one at the bottom right; where both are, their values are
 * added, 255 at most. The canvas is then brought to 28×28, every pixel the mean of the area that it covers.
 * @param {Uint8Array} left @param {Uint8Array} right bytes of a digit each, row by row
 * @returns {Uint8Array}
 */
export function overlay(left, right) {
  const canvas = new Uint8Array(canvasSide * canvasSide);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const at = row * canvasSide + column;
      const lower = at + shift * canvasSide + shift;
      canvas[at] = Math.min(255, canvas[at] + left[row * side + column]);
      canvas[lower] = Math.min(255, canvas[lower] + right[row * side + column]);
    }
  return Uint8Array.from({ length: side * side }, (_, at) =>
    Math.floor(meanOf(canvas, Math.floor(at / side), at % side) + 0.5),
  );
}

/** Pixel (row, column) covers 9/7 × 9/7 pixels of the canvas: counted in sevenths, so that all of it is whole numbers. */
function meanOf(canvas, row, column) {
  let sum = 0;
  for (const [y, high] of spans[row])
    for (const [x, wide] of spans[column]) sum += high * wide * canvas[y * canvasSide + x];
  return sum / (parts * parts);
}

/** 36 : 28 = 9 : 7. A pixel of the image is 9 parts long, one of the canvas 7. */
const parts = 9;
const canvasParts = 7;

/** Of each row or column of the image: which of the canvas it covers, and how many parts of them. */
const spans = Array.from({ length: side }, (_, place) => {
  const [start, end] = [place * parts, (place + 1) * parts];
  const covered = [];
  for (let at = Math.floor(start / canvasParts); at * canvasParts < end; at++)
    covered.push([at, Math.min(end, (at + 1) * canvasParts) - Math.max(start, at * canvasParts)]);
  return covered;
});
