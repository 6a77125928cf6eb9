import { createHash } from "node:crypto";

/**
 * Merkle root as in RFC 6962: a leaf is SHA-256(0x00 ‖ bytes), a node SHA-256(0x01 ‖ left ‖ right); a node without a
 * right sibling goes up unchanged, and no leaves at all give SHA-256 of nothing. The leaves are the run's parameter
 * blocks (layout order, padding included), so that the root does not depend on who owned which block.
 */
export function merkleRoot(leaves: readonly Buffer[]): string {
  let level = leaves;
  if (level.length === 0) return createHash("sha256").digest("hex");
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] as Buffer;
      const right = level[index + 1];
      above.push(right ? createHash("sha256").update(nodePrefix).update(left).update(right).digest() : left);
    }
    level = above;
  }
  return (level[0] as Buffer).toString("hex");
}

const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

export function merkleLeaf(block: Uint8Array): Buffer {
  return createHash("sha256").update(leafPrefix).update(block).digest();
}
