/** The rows of prepared text as a logistic regression wants them: exactly those that the product trains on. */
import { readFileSync } from "node:fs";
import path from "node:path";

/**
 * @param {{ prepare: Function, decodeShard: Function }} datasets of @latentweave/datasets
 * @param source a task's data, as its job has it
 * @param {{ taskName: string, baseDirectory: string, cacheDirectory: string }} places
 * @returns {Promise<{ width: number, train: Labelled, validation: Labelled, test: Labelled }>}
 */
export async function readLabelled({ prepare, decodeShard }, source, places) {
  const manifest = await prepare(source, { ...places, log: () => undefined });
  const directory = path.join(places.cacheDirectory, "prepared", manifest.dataHash);
  const read = (split) =>
    joined(
      manifest.splits[split].shards.map(({ file, rows }) => {
        const columns = decodeShard(manifest, rows, readFileSync(path.join(directory, file)));
        return { rows: columns.x, labels: columns.y };
      }),
    );
  const { width } = manifest.x;
  return { width, train: read("train"), validation: read("validation"), test: read("test") };
}

/** Several as if they were one. */
export function joined(parts) {
  const numbers = parts.reduce((sum, { rows }) => sum + rows.values.length, 0);
  const rows = { offsets: [0], indices: new Int32Array(numbers), values: new Float32Array(numbers) };
  const labels = [];
  for (const part of parts) {
    const start = rows.offsets.at(-1);
    rows.indices.set(part.rows.indices, start);
    rows.values.set(part.rows.values, start);
    part.labels.forEach((label, row) => {
      rows.offsets.push(start + part.rows.offsets[row + 1]);
      labels.push(label);
    });
  }
  return { rows, labels };
}
