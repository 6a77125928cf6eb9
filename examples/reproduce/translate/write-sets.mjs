/** MNIST, and the same rows in the same order turned by a quarter, as IDX files. */
import { existsSync } from "node:fs";
import path from "node:path";
import { openImages, turned, writeIdx } from "../image-sets.mjs";

/** Names of the sets that are written, and what becomes of an image in each. */
const changes = { upright: (image) => image, turned: turned(Math.PI / 2) };

export async function writeSets(folder) {
  if (existsSync(path.join(folder, "turned-test-labels.idx"))) return;
  const open = await openImages();
  const sets = await open("mnist");
  for (const [name, change] of Object.entries(changes))
    for (const split of ["train", "test"])
      writeIdx(folder, name, split, sets[split], (label) => label, change);
}
