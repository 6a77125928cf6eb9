import type { PreparedManifest, PreparedTarget } from "@latentweave/protocol";
import { isSparse, type SparseRows } from "../sparse-rows.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import type { Weighting } from "../text/weigh-line.ts";

/** Rows as they were read, before they are split, with values as the source has them. */
export interface LoadedRows {
  readonly rows: number;
  /** [rows, width], row-major, or what is not zero of it. */
  readonly x: Uint8Array | Float32Array | SparseRows;
  /** Labels [rows], -1 where there is none, or numbers [rows, width of the target]. */
  readonly y: Int32Array | Float32Array | undefined;
}

export interface LoadedSource {
  readonly x: PreparedManifest["x"];
  readonly y: PreparedTarget | null;
  /** For each number of a row of a table: true when it is a 0/1 number of a category, which no scaling touches. */
  readonly categorical: readonly boolean[] | undefined;
  readonly oneHot: PreparedManifest["preprocessing"]["oneHot"];
  readonly train: LoadedRows;
  /** Rows that the source itself marks as test rows. */
  readonly test: LoadedRows | undefined;
  /** So many rows at the end of `train` have no label: they are trained on, whatever the split. */
  readonly unlabelledRows?: number;
  /** How lines of text became the rows. */
  readonly text?: { readonly vocabulary: Vocabulary; readonly weighting: Weighting };
  /** What a person should know of the files. */
  readonly notes?: readonly string[];
}

/** The first `limit` rows. */
export function firstRows(loaded: LoadedRows, limit: number | undefined): LoadedRows {
  if (limit === undefined || limit >= loaded.rows) return loaded;
  const part = <T extends Uint8Array | Float32Array | Int32Array>(all: T): T =>
    all.subarray(0, (all.length / loaded.rows) * limit) as T;
  return { rows: limit, x: part(denseValues(loaded.x)), y: loaded.y && part(loaded.y) };
}

/** The numbers of a source that is not of texts. */
export function denseValues(x: LoadedRows["x"]): Uint8Array | Float32Array {
  if (isSparse(x)) throw new TypeError("rows of text are not changed once they are made");
  return x;
}
