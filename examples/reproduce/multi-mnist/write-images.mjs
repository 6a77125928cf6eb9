/** MultiMNIST as IDX files: one set of images, and two of labels. */
import path from "node:path";
import { importSources } from "../../../tools/build/bundle-sources.mjs";
import { openImages, pixels, side, writeArray } from "../image-sets.mjs";
import { overlay } from "./overlay.mjs";

/**
 * Image i has digit i of MNIST on the left, and on the right the one that a keyed permutation of the same split puts at
 * i: every digit is once on either side, and the files are the same on every machine.
 */
export async function writeImages(folder) {
  const { permute, randomKey } = await importSources(
    `export { permute, randomKey } from "@latentweave/arithmetic";`,
  );
  const read = await openImages();
  for (const [split, { x, y }] of Object.entries(await read("mnist"))) {
    const digit = (row) => Uint8Array.from(x.subarray(row * pixels, (row + 1) * pixels));
    const key = randomKey(0, "multi-mnist", split);
    const others = Array.from(y, (_, row) => permute(row, y.length, key));
    const images = new Uint8Array(y.length * pixels);
    for (const [row, other] of others.entries()) images.set(overlay(digit(row), digit(other)), row * pixels);
    const write = (kind, shape, bytes) => writeArray(path.join(folder, `${split}-${kind}.idx`), shape, bytes);
    write("images", [y.length, side, side], images);
    write("left", [y.length], Uint8Array.from(y));
    write(
      "right",
      [y.length],
      Uint8Array.from(others, (other) => y[other]),
    );
  }
}
