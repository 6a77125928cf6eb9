import type { SparseRow } from "./text/weigh-line.ts";

/** Rows of which most numbers are zero: row r has values[offsets[r] .. offsets[r + 1]) at indices[the same]. */
export interface SparseRows {
  /** One more than there are rows. */
  readonly offsets: Int32Array;
  /** Rising within a row. */
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

export function isSparse(x: Uint8Array | Float32Array | SparseRows): x is SparseRows {
  return "offsets" in x;
}

export function joinRows(rows: readonly SparseRow[]): SparseRows {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach(({ indices }, row) => (offsets[row + 1] = (offsets[row] as number) + indices.length));
  const all = offsets[rows.length] as number;
  const [indices, values] = [new Int32Array(all), new Float32Array(all)];
  rows.forEach((row, at) => {
    indices.set(row.indices, offsets[at]);
    values.set(row.values, offsets[at]);
  });
  return { offsets, indices, values };
}

/** These rows, in this order. */
export function takeSparseRows(from: SparseRows, rows: Uint32Array): SparseRows {
  const range = (row: number): [number, number] => [
    from.offsets[row] as number,
    from.offsets[row + 1] as number,
  ];
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, at) => {
    const [start, end] = range(row);
    offsets[at + 1] = (offsets[at] as number) + end - start;
  });
  const all = offsets[rows.length] as number;
  const [indices, values] = [new Int32Array(all), new Float32Array(all)];
  rows.forEach((row, at) => {
    indices.set(from.indices.subarray(...range(row)), offsets[at]);
    values.set(from.values.subarray(...range(row)), offsets[at]);
  });
  return { offsets, indices, values };
}

/** Writes a row into `out` from `to` on, `width` numbers, zeros included. */
export function spreadRow(rows: SparseRows, row: number, width: number, out: Float32Array, to: number): void {
  out.fill(0, to, to + width);
  const end = rows.offsets[row + 1] as number;
  for (let at = rows.offsets[row] as number; at < end; at++)
    out[to + (rows.indices[at] as number)] = rows.values[at] as number;
}
