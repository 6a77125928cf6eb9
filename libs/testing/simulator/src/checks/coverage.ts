import { isNodeOf, nodeRange } from "@latentweave/aggregation";
import type { StepPlan } from "@latentweave/plan";
import type { ReceivedNodes, TaskRecord } from "@latentweave/protocol";

/** Why the nodes of a record are not, on every shard that takes part, a partition of the slots; undefined when they are. */
export function coverageFault(
  { round, shards, slots }: TaskRecord,
  plan: Pick<StepPlan, "rounds">,
  count: number,
): string | undefined {
  const updates = plan.rounds.find(({ index }) => index === round)?.update ?? false;
  if (!shards.some(({ index }) => index === 0)) return "the leader received nothing";
  // A shard that owns nothing of the task's groups receives nothing of it.
  if (updates && shards.length > count) return `${shards.length} of ${count} shards received something`;
  for (const { index, nodes } of shards) {
    const fault = partitionFault(nodes, slots);
    if (fault !== undefined) return `shard ${index}: ${fault}`;
  }
  return undefined;
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
