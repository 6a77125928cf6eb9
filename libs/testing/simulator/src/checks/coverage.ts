import { isNodeOf, nodeRange } from "@latentweave/aggregation";
import type { ReceivedNodes, TaskRecord } from "@latentweave/protocol";

/** Why the nodes of a record are not, on every shard that takes part, a partition of the slots; undefined when they are. */
export function coverageFault({ shards, slots }: TaskRecord, owners: readonly number[]): string | undefined {
  for (const owner of owners) {
    const part = shards.find(({ index }) => index === owner);
    if (!part) return `nothing that shard ${owner} received`;
    const fault = partitionFault(part.nodes, slots);
    if (fault !== undefined) return `shard ${owner}: ${fault}`;
  }
  return shards.length > owners.length
    ? `${shards.length} shards received something, not ${owners.length}`
    : undefined;
}

function partitionFault(nodes: ReceivedNodes, slots: number): string | undefined {
  const by = new Array<number>(slots).fill(0);
  for (const [level, index] of nodes) {
    if (!isNodeOf({ level, index }, slots)) return `there is no node ${level}/${index}`;
    const { start, end } = nodeRange({ level, index }, slots);
    for (let slot = start; slot < end; slot++) by[slot] = (by[slot] ?? 0) + 1;
  }
  const odd = by.findIndex((times) => times !== 1);
  return odd < 0 ? undefined : `slot ${odd} is applied ${by[odd]} times`;
}
