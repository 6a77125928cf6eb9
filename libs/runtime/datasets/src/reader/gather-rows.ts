import type { FittedScale } from "@latentweave/protocol";
import type { ShardColumns } from "../arrow-shard.ts";

/** Copies one row of a shard into `out` from `at`, scaled to float32. */
export type RowCopier = (columns: ShardColumns, row: number, out: Float32Array, at: number) => void;

/**
 * How stored numbers become inputs: float32((stored - offset) / divisor), the subtraction and division in float64.
 * Both are exactly rounded in every JavaScript engine, so the inputs are the same bits everywhere. Bytes with one
 * scale for all have 256 possible results, kept in a table.
 */
export function rowCopier(width: number, dtype: "uint8" | "float32", scale: FittedScale): RowCopier {
  const { offset, divisor } = scale;
  const single = offset.length === 1 && divisor.length === 1;
  const offset0 = offset[0] as number;
  const divisor0 = divisor[0] as number;
  if (single && dtype === "uint8") {
    const table = Float32Array.from({ length: 256 }, (_, byte) => (byte - offset0) / divisor0);
    return ({ x }, row, out, at) => {
      for (let from = row * width, to = at, end = at + width; to < end; from++, to++) {
        out[to] = table[x[from] as number] as number;
      }
    };
  }
  if (single && offset0 === 0 && divisor0 === 1) {
    return ({ x }, row, out, at) => out.set(x.subarray(row * width, (row + 1) * width), at);
  }
  // Storing into a Float32Array rounds as Math.fround does.
  return ({ x }, row, out, at) => {
    for (let index = 0; index < width; index++) {
      const column = single ? 0 : index;
      out[at + index] =
        ((x[row * width + index] as number) - (offset[column] as number)) / (divisor[column] as number);
    }
  };
}
