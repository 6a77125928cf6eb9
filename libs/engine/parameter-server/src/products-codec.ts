import { ProtocolError } from "@latentweave/protocol";
import type { BlockProducts } from "./products.ts";

/** Inner products on the wire: one row of `count`×`count` float64 per block, rows in the order of `blocks`. */
export function encodeProducts(products: readonly BlockProducts[]): {
  readonly blocks: { group: number; block: number }[];
  readonly bytes: Uint8Array;
} {
  const width = products[0]?.gram.length ?? 0;
  const rows = new Float64Array(products.length * width);
  for (const [row, { gram }] of products.entries()) rows.set(gram, row * width);
  return {
    blocks: products.map(({ group, block }) => ({ group, block })),
    bytes: new Uint8Array(rows.buffer),
  };
}

/** @throws ProtocolError when the bytes are not as many as the blocks need. */
export function decodeProducts(
  blocks: readonly { readonly group: number; readonly block: number }[],
  bytes: Uint8Array | undefined,
  count: number,
): BlockProducts[] {
  if (blocks.length === 0) return [];
  const width = count * count;
  if (bytes?.byteLength !== blocks.length * width * 8)
    throw new ProtocolError(
      `${blocks.length} rows of inner products do not fit ${bytes?.byteLength ?? 0} bytes`,
    );
  const rows = new Float64Array(bytes.slice().buffer);
  return blocks.map(({ group, block }, row) => ({
    group,
    block,
    gram: rows.slice(row * width, (row + 1) * width),
  }));
}
