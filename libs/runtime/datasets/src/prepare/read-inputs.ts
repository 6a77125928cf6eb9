import type { DataSource } from "@latentweave/job";
import { UserError, type PreparedManifest } from "@latentweave/protocol";
import { catalogue } from "../catalogue/catalogue.ts";
import { getDataset } from "../catalogue/get-dataset.ts";
import { rowsCopier } from "../reader/gather-rows.ts";
import { isSparse } from "../sparse-rows.ts";
import { loadSource } from "./load-source.ts";
import type { LoadedRows, LoadedSource } from "./loaded-source.ts";
import { loadTextInputs } from "./load-text-inputs.ts";
import type { PrepareOptions } from "./prepare.ts";
import { filesOf, type SourceFiles, sourceFiles } from "./source-files.ts";

/**
 * Reads any data as inputs of a model that was trained on prepared data: the same columns, one-hot values and scaling
 * as `manifest` has, nothing fitted anew, all rows in the order of the file (test rows last, where the source has some
 * of its own).
 * @returns x: [rows, width of the manifest's x], ready for the model
 * @throws UserError when columns are missing, a category is unknown or samples have another size
 */
export async function readInputs(
  source: DataSource,
  manifest: PreparedManifest,
  options: Pick<PrepareOptions, "baseDirectory" | "cacheDirectory" | "log" | "signal">,
): Promise<{ readonly rows: number; readonly x: Float32Array }> {
  const entry = source.dataset === undefined ? undefined : catalogue[source.dataset];
  const dataset = entry && (await getDataset(entry.name, options));
  const files = sourceFiles(source, options.baseDirectory, dataset);
  const where = filesOf(files)[0] as string;
  const loaded =
    manifest.preprocessing.text || files.kind === "text"
      ? await loadTextInputs(files, source, manifest, options)
      : await loadInputs(files, source, manifest);
  const parts = [loaded.train, ...(loaded.test ? [loaded.test] : [])];
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const x = new Float32Array(rows * manifest.x.width);
  let at = 0;
  for (const part of parts) {
    const stored = asStored(loaded, part, manifest, where);
    const copyRows = rowsCopier(manifest.x.width, manifest.x.dtype, manifest.preprocessing.scale);
    const pairs = Int32Array.from({ length: 2 * part.rows }, (_, i) => (i >> 1) + (i & 1) * at);
    copyRows({ ...part, x: stored }, pairs, x);
    at += part.rows;
  }
  return { rows, x };
}

async function loadInputs(
  files: SourceFiles,
  source: DataSource,
  manifest: PreparedManifest,
): Promise<LoadedSource> {
  if (files.kind === "csv" && !manifest.x.names) {
    throw new UserError({
      what: "is a table",
      where: files.file,
      expected: `samples of shape (${manifest.x.shape.join(", ")})`,
    });
  }
  return await loadSource({ ...source, reshape: undefined, width: manifest.preprocessing.width }, files, {
    features: inputColumns(manifest),
    oneHot: manifest.preprocessing.oneHot.map(({ column }) => column),
    missing: source.missing,
  });
}

/** Columns of the table that the manifest was prepared from: one for each run of one-hot numbers. */
function inputColumns(manifest: PreparedManifest): string[] | undefined {
  if (!manifest.x.names) return undefined;
  const spread = new Map(
    manifest.preprocessing.oneHot.flatMap(({ column, values }) =>
      values.map((value) => [`${column}=${value}`, column]),
    ),
  );
  return [...new Set(manifest.x.names.map((name) => spread.get(name) ?? name))];
}

/** The values as the manifest's own shards would store them. */
function asStored(
  loaded: LoadedSource,
  part: LoadedRows,
  manifest: PreparedManifest,
  where: string,
): LoadedRows["x"] {
  const { names } = manifest.x;
  const { x } = part;
  if (isSparse(x)) return x;
  if (names && loaded.x.names)
    return inColumns(loaded.x.names, names, { rows: part.rows, x }, manifest.x.width, where);
  if (loaded.x.width !== manifest.x.width) {
    throw new UserError({
      what: `a sample has ${loaded.x.width} numbers`,
      where,
      expected: `${manifest.x.width}, as the model was trained on`,
    });
  }
  if (manifest.x.dtype === "uint8" && x instanceof Float32Array) {
    throw new UserError({
      what: "samples are not bytes",
      where,
      expected: "uint8 from 0 to 255, as the model was trained on",
      mend: "save the array as uint8",
    });
  }
  return x;
}

function inColumns(
  found: readonly string[],
  wanted: readonly string[],
  part: { readonly rows: number; readonly x: Uint8Array | Float32Array },
  width: number,
  where: string,
): Float32Array {
  const places = found.map((name) => {
    const place = wanted.indexOf(name);
    if (place < 0) {
      throw new UserError({
        what: `has the category ${name}, which the training data do not have`,
        where,
        expected: wanted.filter((other) => other.startsWith(name.slice(0, name.indexOf("=") + 1))).join(", "),
      });
    }
    return place;
  });
  const x = new Float32Array(part.rows * width);
  // Wider than `found` where zeros were put at the rows' ends.
  const from = part.x.length / part.rows;
  for (let row = 0; row < part.rows; row++) {
    places.forEach((place, index) => {
      x[row * width + place] = part.x[row * from + index] as number;
    });
  }
  return x;
}
