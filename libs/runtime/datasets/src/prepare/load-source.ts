import type { DataSource } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import type { ArrayData } from "../formats/array-data.ts";
import { readCsvFile, type CsvOptions } from "../formats/csv.ts";
import { readIdxFile } from "../formats/idx.ts";
import { readNpyFile } from "../formats/npy.ts";
import { readNpzArrays } from "../formats/npz.ts";
import { type NamedArray, type RawTargets, targetsOf } from "./load-targets.ts";
import { fitWidth } from "./fit-width.ts";
import { loadText, type TextFiles } from "./load-text.ts";
import { requireFinite } from "./require-finite.ts";
import { firstRows, type LoadedRows, type LoadedSource } from "./loaded-source.ts";
import type { SourceFiles } from "./source-files.ts";

/**
 * Reads a source whole and checks it: shapes, finite numbers, labels. Values are those of the files; nothing is
 * scaled yet.
 * @param table columns to use where `files` is a table
 * @throws UserError naming the file and the row
 */
export async function loadSource(
  source: DataSource,
  files: SourceFiles,
  table: CsvOptions,
): Promise<LoadedSource> {
  if (files.kind === "text") return loadText(files, source.text ?? {}, source.limit);
  const loaded = files.kind === "csv" ? await loadTable(files.file, table) : await loadArrays(source, files);
  return fitWidth(
    {
      ...loaded,
      x: { ...loaded.x, shape: reshaped(source, loaded.x.shape, loaded.x.width) },
      train: firstRows(loaded.train, source.limit),
      test: loaded.test && firstRows(loaded.test, source.limit),
    },
    source.width,
  );
}

async function loadTable(file: string, options: CsvOptions): Promise<LoadedSource> {
  const table = await readCsvFile(file, options);
  const { y } = table;
  return {
    x: { dtype: "float32", shape: [table.names.length], width: table.names.length, names: [...table.names] },
    y: !y
      ? null
      : y.kind === "class"
        ? { kind: "class", dtype: "int32", classes: y.names.length, names: [...y.names] }
        : { kind: y.kind, dtype: "float32", width: y.names.length, names: [...y.names] },
    categorical: table.categorical,
    oneHot: table.oneHot.map(({ column, values }) => ({ column, values: [...values] })),
    train: { rows: table.rows, x: table.x, y: y?.kind === "class" ? y.labels : y?.values },
    test: undefined,
  };
}

type ArrayFiles = Exclude<SourceFiles, { kind: "csv" } | TextFiles>;

async function loadArrays(source: DataSource, files: ArrayFiles): Promise<LoadedSource> {
  const parts = await readParts(files);
  const [train, test] = parts as [Part, Part | undefined];
  const images = files.kind === "idx" && train.x.array.shape.length === 3;
  const sample = train.x.array.shape.slice(1);
  // Grey images have one channel, which convolutions want to see; single numbers are vectors of one.
  const shape = images ? [...sample, 1] : sample.length === 0 ? [1] : sample;
  if (test && test.x.array.shape.slice(1).join() !== sample.join()) {
    throw new UserError({
      what: `test samples have shape (${test.x.array.shape.slice(1).join(", ")})`,
      where: test.x.where,
      expected: `(${sample.join(", ")}), as in ${train.x.where}`,
    });
  }
  if (test && (test.y === undefined) !== (train.y === undefined)) {
    throw new UserError({
      what: "only one of training and test images has labels",
      where: test.x.where,
      expected: "both or none",
    });
  }
  const targets = readTargets(source, parts);
  const rows = (part: Part, y: LoadedRows["y"]): LoadedRows => ({
    rows: part.x.array.shape[0] as number,
    x: inputValues(part.x),
    y,
  });
  const trainRows = rows(train, targets?.values[0]);
  return {
    x: {
      dtype: trainRows.x instanceof Uint8Array ? "uint8" : "float32",
      shape,
      width: shape.reduce((product, size) => product * size, 1),
    },
    y: targets?.target ?? null,
    categorical: undefined,
    oneHot: [],
    train: trainRows,
    test: test && rows(test, targets?.values[1]),
  };
}

interface Part {
  readonly x: NamedArray;
  readonly y: NamedArray | undefined;
}

async function readParts(files: ArrayFiles): Promise<Part[]> {
  const pair = async (
    read: (file: string) => Promise<ArrayData>,
    x: string,
    y: string | undefined,
  ): Promise<Part> => ({
    x: { array: await read(x), where: x },
    y: y === undefined ? undefined : { array: await read(y), where: y },
  });
  switch (files.kind) {
    case "npy":
      return [checked(await pair(readNpyFile, files.x, files.y))];
    case "npz": {
      const names = files.y === undefined ? [files.x] : [files.x, files.y];
      const arrays = await readNpzArrays(files.file, names);
      const [x, y] = arrays.map((array, index): NamedArray => ({
        array,
        where: `${files.file}:${names[index]}`,
      }));
      return [checked({ x: x as NamedArray, y })];
    }
    case "idx": {
      const train = checked(await pair(readIdxFile, files.images, files.labels));
      if (files.testImages === undefined) return [train];
      return [train, checked(await pair(readIdxFile, files.testImages, files.testLabels))];
    }
  }
}

/** One row at least, numbers in every row, and as many labels as samples. */
function checked(part: Part): Part {
  const { shape } = part.x.array;
  if (shape.length === 0 || shape.some((size) => size === 0)) {
    throw new UserError({
      what: `the array is empty (shape (${shape.join(", ")}))`,
      where: part.x.where,
      expected: "samples along the first axis",
    });
  }
  if (part.y && part.y.array.shape[0] !== shape[0]) {
    throw new UserError({
      what: `has ${part.y.array.shape[0] ?? 0} targets`,
      where: part.y.where,
      expected: `${shape[0]}, one for each sample of ${part.x.where}`,
    });
  }
  return part;
}

function inputValues({ array, where }: NamedArray): Uint8Array | Float32Array {
  const { values, shape } = array;
  if (values.dtype === "uint8") return values.data;
  if (values.dtype === "int32") return Float32Array.from(values.data);
  requireFinite(values.data, values.data.length / (shape[0] as number), where);
  return values.data;
}

function readTargets(source: DataSource, parts: readonly Part[]): RawTargets | undefined {
  const arrays = parts.flatMap((part) => (part.y ? [part.y] : []));
  const [first] = arrays;
  if (!first) return undefined;
  const whole = first.array.values.dtype !== "float32";
  const isClass = source.classes !== undefined || (whole && first.array.shape.length === 1);
  return targetsOf(arrays, source, isClass ? "class" : "number");
}

function reshaped(source: DataSource, shape: readonly number[], width: number): number[] {
  if (!source.reshape) return [...shape];
  const wanted = source.reshape.reduce((product, size) => product * size, 1);
  if (wanted !== width) {
    throw new UserError({
      what: `reshape (${source.reshape.join(", ")}) holds ${wanted} numbers`,
      where: "the task's data",
      expected: `${width}, as a sample of shape (${shape.join(", ")}) has`,
    });
  }
  return [...source.reshape];
}
