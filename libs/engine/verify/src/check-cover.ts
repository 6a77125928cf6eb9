import { isNodeOf, nodeName, nodeRange } from "@latentweave/aggregation";
import type { ReceivedNodes } from "@latentweave/protocol";

/**
 * Whether tree nodes cover every one of `slots` slots exactly once.
 * @returns what is wrong, or undefined
 */
export function coverFault(nodes: ReceivedNodes, slots: number): string | undefined {
  const by = new Array<string | undefined>(slots);
  for (const [level, index, workerId] of nodes) {
    const node = { level, index };
    if (!isNodeOf(node, slots)) return `node ${nodeName(node)} is none of the tree over ${slots} slots`;
    const { start, end } = nodeRange(node, slots);
    for (let slot = start; slot < end; slot++) {
      const before = by[slot];
      if (before !== undefined)
        return `micro-batch ${slot} was applied twice: by ${before} and by ${workerId} (node ${nodeName(node)})`;
      by[slot] = `${workerId} (node ${nodeName(node)})`;
    }
  }
  const missing = by.findIndex((worker) => worker === undefined);
  return missing < 0 ? undefined : `micro-batch ${missing} of ${slots} was not applied`;
}
