/** Image sets of the catalogue, changed and written as IDX files. */
import { writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { importSources } from "../../tools/build/bundle-sources.mjs";

/** Of an image of MNIST and Fashion-MNIST. */
export const side = 28;
export const pixels = side * side;

/** @returns {Promise<(dataset: string) => Promise<{ train: object; test: object }>>} x and y of a whole split, as bytes are */
export async function openImages() {
  const { cacheDirectory, openPrepared, prepare } = await importSources(
    `export { openPrepared, prepare } from "@latentweave/datasets";
     export { cacheDirectory } from "@latentweave/protocol";`,
  );
  return async (dataset) => {
    const cache = cacheDirectory(process.env);
    const source = { dataset, scale: "none" };
    const options = {
      taskName: dataset,
      baseDirectory: os.tmpdir(),
      cacheDirectory: cache,
      log: console.log,
    };
    const manifest = await prepare(source, options);
    const directory = path.join(cache, "prepared", manifest.dataHash);
    const reader = openPrepared({ manifest, location: { directory }, cacheBytes: 8 * 2 ** 20 });
    const whole = async (split) => {
      const refs = manifest.splits[split].shards.flatMap(({ rows }, shard) =>
        Array.from({ length: rows }, (_, row) => ({ shard, row })),
      );
      return await reader.rows(split, refs);
    };
    const sets = { train: await whole("train"), test: await whole("test") };
    reader.close();
    return sets;
  };
}

/**
 * @param keep what a label becomes, undefined: the row is left out
 * @param most rows that are written, evenly spread: test rows may lie class by class
 */
export function writeIdx(folder, name, split, { x, y }, keep, change, most = Number.POSITIVE_INFINITY) {
  const all = [...y.keys()].filter((row) => keep(y[row]) !== undefined);
  const count = Math.min(most, all.length);
  const rows = Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)]);
  const images = new Uint8Array(rows.length * pixels);
  const labels = Uint8Array.from(rows, (row) => keep(y[row]));
  for (const [at, row] of rows.entries())
    images.set(change(x.subarray(row * pixels, (row + 1) * pixels)), at * pixels);
  const file = (kind) => path.join(folder, `${name}-${split}-${kind}.idx`);
  writeArray(file("images"), [rows.length, side, side], images);
  writeArray(file("labels"), [rows.length], labels);
  return rows.length;
}

/** A set that `writeIdx` has written, as a job's data name it. */
export function idxOf(name) {
  return {
    ...{ images: `${name}-train-images.idx`, labels: `${name}-train-labels.idx` },
    ...{ testImages: `${name}-test-images.idx`, testLabels: `${name}-test-labels.idx` },
  };
}

/** Bytes as an IDX file. */
export function writeArray(file, shape, bytes) {
  const numbers = [0x800 + shape.length, ...shape];
  const header = Buffer.alloc(4 * numbers.length);
  for (const [index, number] of numbers.entries()) header.writeUInt32BE(number, 4 * index);
  writeFileSync(file, Buffer.concat([header, bytes]));
}

/** Turns an image around its middle, bilinearly; what comes from outside of it is 0. */
export function turned(angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const middle = (side - 1) / 2;
  return (image) => {
    const at = (row, column) =>
      row < 0 || column < 0 || row >= side || column >= side ? 0 : image[row * side + column];
    return Uint8Array.from({ length: pixels }, (_, index) => {
      const [dy, dx] = [Math.floor(index / side) - middle, (index % side) - middle];
      const [row, column] = [middle + cos * dy - sin * dx, middle + sin * dy + cos * dx];
      const [top, left] = [Math.floor(row), Math.floor(column)];
      const [down, right] = [row - top, column - left];
      const above = at(top, left) * (1 - right) + at(top, left + 1) * right;
      const below = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right;
      return Math.round(above * (1 - down) + below * down);
    });
  };
}
