import { loadKernels } from "@latentweave/native";
import type { FittedScale } from "@latentweave/protocol";
import type { ShardColumns } from "../arrow-shard.ts";
import { isSparse, spreadRow } from "../sparse-rows.ts";

/**
 * Copies rows of a shard into `out`, scaled to float32.
 * @param pairs (row of the shard, row of `out`), one pair after the other; all of them are there
 */
export type RowsCopier = (columns: ShardColumns, pairs: Int32Array, out: Float32Array) => void;

/**
 * How stored numbers become inputs: float32((stored - offset) / divisor), the subtraction and division in float64.
 * Both are exactly rounded in every JavaScript engine, so the inputs are the same bits everywhere. Bytes with one
 * scale for all have 256 possible results, kept in a table.
 */
export function rowsCopier(width: number, dtype: "uint8" | "float32", scale: FittedScale): RowsCopier {
  const { offset, divisor } = scale;
  const single = offset.length === 1 && divisor.length === 1;
  const offset0 = offset[0] as number;
  const divisor0 = divisor[0] as number;
  if (single && dtype === "uint8")
    return throughTable(
      width,
      Float32Array.from({ length: 256 }, (_, byte) => (byte - offset0) / divisor0),
    );
  if (single && offset0 === 0 && divisor0 === 1)
    return eachRow(width, (x, from, out, to) => out.set(x.subarray(from, from + width), to));
  // Storing into a Float32Array rounds as Math.fround does.
  return eachRow(width, (x, from, out, to) => {
    for (let index = 0; index < width; index++) {
      const column = single ? 0 : index;
      out[to + index] =
        ((x[from + index] as number) - (offset[column] as number)) / (divisor[column] as number);
    }
  });
}

/** The inner loop of a worker that computes on bytes: in the addon several times as fast, where there is one. */
function throughTable(width: number, table: Float32Array): RowsCopier {
  const kernels = loadKernels();
  const plain = eachRow(width, (x, from, out, to) => {
    for (let index = 0; index < width; index++) out[to + index] = table[x[from + index] as number] as number;
  });
  if (typeof kernels === "string") return plain;
  return (columns, pairs, out) => {
    if (columns.x instanceof Uint8Array) kernels.gather(out, columns.x, table, pairs, width);
    else plain(columns, pairs, out);
  };
}

/** Sparse rows have no scale: they are spread as they are. */
function eachRow(
  width: number,
  copy: (x: Uint8Array | Float32Array, from: number, out: Float32Array, to: number) => void,
): RowsCopier {
  return ({ x }, pairs, out) => {
    for (let at = 0; at < pairs.length; at += 2) {
      const [row, to] = [pairs[at] as number, (pairs[at + 1] as number) * width];
      if (isSparse(x)) spreadRow(x, row, width, out, to);
      else copy(x, row * width, out, to);
    }
  };
}
