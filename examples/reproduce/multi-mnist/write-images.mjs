/** MultiMNIST as IDX files: one set of images, and two of labels. */
import { writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { importSources } from "../../../tools/build/bundle-sources.mjs";
import { overlay, side } from "./overlay.mjs";

const pixels = side * side;

/**
 * Image i has digit i of MNIST on the left, and on the right the one that a keyed permutation of the same split puts at
 * i: every digit is once on either side, and the files are the same on every machine.
 */
export async function writeImages(folder) {
  const { cacheDirectory, openPrepared, permute, prepare, randomKey } = await importSources(
    `export { openPrepared, prepare } from "@latentweave/datasets";
     export { cacheDirectory } from "@latentweave/protocol";
     export { permute, randomKey } from "@latentweave/arithmetic";`,
  );
  const cache = cacheDirectory(process.env);
  const manifest = await prepare(
    { dataset: "mnist", scale: "none" },
    { taskName: "mnist", baseDirectory: os.tmpdir(), cacheDirectory: cache, log: console.log },
  );
  const directory = path.join(cache, "prepared", manifest.dataHash);
  const reader = openPrepared({ manifest, location: { directory }, cacheBytes: 8 * 2 ** 20 });
  for (const split of ["train", "test"]) {
    const refs = manifest.splits[split].shards.flatMap(({ rows }, shard) =>
      Array.from({ length: rows }, (_, row) => ({ shard, row })),
    );
    const { x, y } = await reader.rows(split, refs);
    const digit = (row) => Uint8Array.from(x.subarray(row * pixels, (row + 1) * pixels));
    const key = randomKey(0, "multi-mnist", split);
    const others = Array.from(y, (_, row) => permute(row, y.length, key));
    const images = new Uint8Array(y.length * pixels);
    for (const [row, other] of others.entries()) images.set(overlay(digit(row), digit(other)), row * pixels);
    write(folder, `${split}-images`, [0x803, y.length, side, side], images);
    write(folder, `${split}-left`, [0x801, y.length], Uint8Array.from(y));
    write(
      folder,
      `${split}-right`,
      [0x801, y.length],
      Uint8Array.from(others, (other) => y[other]),
    );
  }
  reader.close();
}

function write(folder, name, header, bytes) {
  const head = Buffer.alloc(4 * header.length);
  for (const [index, number] of header.entries()) head.writeUInt32BE(number, 4 * index);
  writeFileSync(path.join(folder, `${name}.idx`), Buffer.concat([head, bytes]));
}
