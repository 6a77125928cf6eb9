import { type Codec, encodedBytes } from "@latentweave/arithmetic";
import type { PayloadHeader, TreeNode } from "@latentweave/protocol";
import { maximalNodes, nodeRange } from "./tree.ts";

/**
 * Where along the tree sums are rounded so that they travel in fewer bytes (docs/compression.md). The value of a node of
 * such a level is *defined* as what the codec makes of the sum of its children (on level 0: of the micro-batch), whoever
 * completes it: so who computes what, and what travels how, changes no bit.
 */
export interface TreeCodec {
  readonly codec: Codec;
  /** One level, counted from the micro-batches (0); or all of them. */
  readonly level: number | "every";
}

/** Whether values of nodes of this level are rounded; as such they travel encoded, others as float32. */
export function isRounded({ level }: TreeCodec, at: number): boolean {
  return level === "every" || level === at;
}

const dtypes: Readonly<Record<Codec, PayloadHeader["dtype"]>> = { bf16: "BF16", fp16: "F16", int8: "I8" };

/** How a gradient of this node is written in a push. */
export function gradientDtype(codec: TreeCodec | undefined, { level }: TreeNode): PayloadHeader["dtype"] {
  return codec && isRounded(codec, level) ? dtypes[codec.codec] : "F32";
}

/**
 * Whether a node travels as such: where contributions stay apart (`apart`) each by itself; above the codec's one level a float32 sum does where it is shorter than the encoded
 * nodes that it is made of.
 */
export function travels(codec: TreeCodec | undefined, node: TreeNode, slots: number, apart = false): boolean {
  if (apart) return node.level === 0;
  if (!codec || codec.level === "every" || node.level <= codec.level) return true;
  const { start, end } = nodeRange(node, slots);
  const parts = Math.ceil((end - start) / (1 << codec.level));
  return parts * encodedBytes(codec.codec, measured) >= 4 * measured;
}

/** What a number takes does not depend on how many there are, but for the last block's scale. */
const measured = 4096;

/** The nodes as which these slots travel, in slot order: the fewest, and where that is shorter the encoded ones below. */
export function travellingNodes(
  codec: TreeCodec | undefined,
  start: number,
  end: number,
  slots: number,
  apart = false,
): TreeNode[] {
  if (apart) return Array.from({ length: end - start }, (_, slot) => ({ level: 0, index: start + slot }));
  const nodes = maximalNodes(start, end, slots);
  if (codec === undefined || codec.level === "every") return nodes;
  const { level } = codec;
  return nodes.flatMap((node) => {
    if (travels(codec, node, slots)) return [node];
    const range = nodeRange(node, slots);
    const width = 1 << level;
    return Array.from({ length: Math.ceil((range.end - range.start) / width) }, (_, part) => ({
      level,
      index: range.start / width + part,
    }));
  });
}
