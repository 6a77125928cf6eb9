import { readFile } from "node:fs/promises";
import path from "node:path";
import type { DataSource } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { fitWidth } from "./fit-width.ts";
import { type NamedArray, targetsOf } from "./load-targets.ts";
import { firstRows, type LoadedRows, type LoadedSource } from "./loaded-source.ts";
import { requireFinite } from "./require-finite.ts";

/** A data set that a job's extension brings along (docs/extending.md). It runs once, where the data are prepared. */
export interface UserDataset {
  load(context: {
    readonly options: Readonly<Record<string, unknown>>;
    /** A file, by a path relative to the job's. */
    readonly readFile: (file: string) => Promise<Uint8Array>;
  }): UserRows | Promise<UserRows>;
}

export interface UserRows {
  /** Of one sample. */
  readonly shape: readonly number[];
  /** [samples, ...shape], row-major. */
  readonly x: Uint8Array | Float32Array;
  /** Whole numbers are classes, one for each sample; others are numbers to predict, as many for each. */
  readonly y?: Int32Array | Float32Array;
  /** Rows that are test rows in any case; default: dealt from `x` as the job's `split` says. */
  readonly test?: { readonly x: Uint8Array | Float32Array; readonly y?: Int32Array | Float32Array };
}

export type UserDatasets = Readonly<Record<string, UserDataset>>;

/** @throws UserError where the extensions have no such data set, it fails, or what it yields does not fit together */
export async function loadUserDataset(
  source: DataSource,
  datasets: UserDatasets,
  baseDirectory: string,
): Promise<LoadedSource> {
  const { name, options = {} } = source.user ?? { name: "" };
  const where = `data set "${name}" of the job's extensions`;
  const dataset = Object.hasOwn(datasets, name) ? datasets[name] : undefined;
  if (typeof dataset?.load !== "function") {
    const names = Object.keys(datasets);
    throw new UserError({
      where: "data.user.name",
      what: `the job's extensions have no data set "${name}"`,
      expected: names.length > 0 ? `one of ${names.join(", ")}` : "an extension with datasets",
      mend: 'name the module in the job as extensions: ["./FILE.ts"], and the data set in its record `datasets`',
    });
  }
  const made = await run(dataset, options, baseDirectory, where);
  const width = made.shape.reduce((product, size) => product * size, 1);
  const parts = [made, ...(made.test ? [made.test] : [])].map((part) => rowsOf(part, width, where));
  const [train, test] = parts as [LoadedRows, LoadedRows | undefined];
  const labels = parts.flatMap(({ y, rows }) => (y ? [labelArray(y, rows, where)] : []));
  if (labels.length > 0 && labels.length < parts.length)
    throw new UserError({
      where,
      what: "only one of training and test rows has targets",
      expected: "both or none",
    });
  const isClass = source.classes !== undefined || train.y instanceof Int32Array;
  const targets = labels.length === 0 ? undefined : targetsOf(labels, source, isClass ? "class" : "number");
  const loaded: LoadedSource = {
    x: { dtype: train.x instanceof Uint8Array ? "uint8" : "float32", shape: [...made.shape], width },
    y: targets?.target ?? null,
    categorical: undefined,
    oneHot: [],
    train: firstRows({ ...train, y: targets?.values[0] }, source.limit),
    test: test && firstRows({ ...test, y: targets?.values[1] }, source.limit),
  };
  return fitWidth(loaded, source.width);
}

async function run(
  dataset: UserDataset,
  options: Readonly<Record<string, unknown>>,
  baseDirectory: string,
  where: string,
): Promise<UserRows> {
  try {
    return await dataset.load({
      options,
      readFile: async (file) => new Uint8Array(await readFile(path.resolve(baseDirectory, file))),
    });
  } catch (error) {
    throw new UserError({
      where,
      what: `its load() failed: ${error instanceof Error ? error.message : String(error)}`,
      mend: "mend it, or its options",
      cause: error,
    });
  }
}

function rowsOf({ x, y }: Pick<UserRows, "x" | "y">, width: number, where: string): LoadedRows {
  const rows = x.length / width;
  if (!(x instanceof Uint8Array || x instanceof Float32Array) || !Number.isSafeInteger(rows) || rows < 1)
    throw new UserError({
      where,
      what: `x has ${x.length} numbers, for samples of ${width}`,
      expected: "a Uint8Array or Float32Array of whole samples, one at least",
    });
  if (x instanceof Float32Array) requireFinite(x, width, where);
  return { rows, x, y };
}

function labelArray(y: Int32Array | Float32Array, rows: number, where: string): NamedArray {
  if (!Number.isSafeInteger(y.length / rows))
    throw new UserError({
      where,
      what: `y has ${y.length} targets`,
      expected: `as many for each of ${rows} samples`,
    });
  const values =
    y instanceof Int32Array
      ? ({ dtype: "int32", data: y } as const)
      : ({ dtype: "float32", data: y } as const);
  return { array: { shape: [rows, y.length / rows], values }, where };
}
