import type { CommitRecord, MessageOf, ReceivedNodes } from "@latentweave/protocol";

/** How a step that was computed again differs from its record, in words; empty: in nothing. */
export function commitFaults(recorded: CommitRecord, computed: MessageOf<"committed">): string[] {
  const faults: string[] = [];
  for (const field of ["version", "learningRate", "gradientNorm"] as const)
    if (recorded[field] !== computed[field])
      faults.push(`${field} ${String(recorded[field])} recorded, ${String(computed[field])} computed`);
  const [was, is] = [recorded.paused ?? [], computed.paused ?? []].map((paused) => JSON.stringify(paused));
  if (was !== is) faults.push(`paused tasks ${was} recorded, ${is} computed`);
  if (JSON.stringify(recorded.guard) !== JSON.stringify(computed.guard))
    faults.push(
      `guard ${JSON.stringify(recorded.guard ?? [])} recorded, ${JSON.stringify(computed.guard ?? [])} computed`,
    );
  if (JSON.stringify(recorded.deal) !== JSON.stringify(computed.deal))
    faults.push(
      `deal ${JSON.stringify(recorded.deal ?? null)} recorded, ${JSON.stringify(computed.deal ?? null)} computed`,
    );
  for (const [place, task] of recorded.tasks.entries()) {
    const again = computed.tasks[place];
    const where = `task "${task.task}", round ${task.round}`;
    // As JSON, which is what the record is: it has no minus zero.
    if (JSON.stringify(again?.metrics) !== JSON.stringify(task.metrics))
      faults.push(
        `${where}: metrics ${JSON.stringify(task.metrics)} recorded, ${JSON.stringify(again?.metrics)} computed`,
      );
    for (const { index, nodes } of task.shards) {
      const other = again?.shards.find((shard) => shard.index === index)?.nodes ?? [];
      faults.push(...nodeFaults(nodes, other).map((fault) => `${where}, shard ${index}: ${fault}`));
    }
  }
  return faults;
}

function nodeFaults(recorded: ReceivedNodes, computed: ReceivedNodes): string[] {
  const digests = new Map(computed.map(([level, index, , digest]) => [`${level}:${index}`, digest]));
  return recorded.flatMap(([level, index, worker, digest]) => {
    const again = digests.get(`${level}:${index}`);
    return again === digest
      ? []
      : [
          `node ${level}:${index} came from ${worker} with the digest ${digest}, computed is ${again ?? "none"}`,
        ];
  });
}
