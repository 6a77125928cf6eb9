import type { PreparedManifest, PreparedTarget } from "@latentweave/protocol";

/** Rows as they were read, before they are split, with values as the source has them. */
export interface LoadedRows {
  readonly rows: number;
  /** [rows, width], row-major. */
  readonly x: Uint8Array | Float32Array;
  /** Labels [rows] or numbers [rows, width of the target]. */
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
}

/** The first `limit` rows. */
export function firstRows(loaded: LoadedRows, limit: number | undefined): LoadedRows {
  if (limit === undefined || limit >= loaded.rows) return loaded;
  const part = <T extends Uint8Array | Float32Array | Int32Array>(all: T): T =>
    all.subarray(0, (all.length / loaded.rows) * limit) as T;
  return { rows: limit, x: part(loaded.x), y: loaded.y && part(loaded.y) };
}
