import type { MessageOf } from "@latentweave/protocol";

/** Follows who pushed what on which timeline: a record may name nothing else. */
export interface Provenance {
  members(shard: string, message: MessageOf<"members">): void;
  pushed(worker: string, shard: string, message: MessageOf<"push">, slices: readonly Uint8Array[]): void;
  committed(message: MessageOf<"committed">): void;
}

/** Steps whose pushes are kept: late ones are told of when their commit is. */
const keptSteps = 80;

export function checkProvenance(onFault: (text: string) => void): Provenance {
  /** By step: who pushed what. */
  const pushed = new Map<number, Set<string>>();
  /** Whoever was a member at a shard at any time. */
  const members = new Map<string, Set<string>>();
  return {
    members(shard, { workers }) {
      let known = members.get(shard);
      if (!known) members.set(shard, (known = new Set()));
      for (const { workerId } of workers) known.add(workerId);
    },
    pushed(worker, to, { timeline, step, basis, round, task, node, parts }) {
      let known = pushed.get(step);
      if (!known) {
        pushed.set(step, (known = new Set()));
        pushed.delete(step - keptSteps);
      }
      const what = `${timeline} ${basis} ${round} ${task}`;
      if (!parts) known.add(`${what} ${node.level}/${node.index} ${worker} ${to}`);
      for (const [level, index, of] of parts ?? []) {
        // A relay says of nobody what that one has not sent to it.
        if (known.has(`${what} ${level}/${index} ${of} ${worker}`))
          known.add(`${what} ${level}/${index} ${of} ${to}`);
        else
          onFault(
            `${worker} tells ${to} of node ${level}/${index} of ${task}, which ${of} has not pushed to it`,
          );
      }
    },
    committed({ timeline, step, order, tasks }) {
      const known = pushed.get(order?.planned ?? step);
      const basis = order?.basis;
      for (const { task, round, shards } of tasks)
        for (const { index, nodes } of shards)
          for (const [level, place, worker] of nodes) {
            if (
              known?.has(
                `${timeline} ${basis} ${round} ${task} ${level}/${place} ${worker} shard-${index}`,
              ) !== true
            )
              onFault(
                `step ${step} applies node ${level}/${place} of ${task}, which ${worker} has not pushed to shard ${index} on timeline ${timeline}`,
              );
            if (members.get(`shard-${index}`)?.has(worker) !== true)
              onFault(
                `step ${step} applies what ${worker} pushed, which shard ${index} does not know as a member`,
              );
          }
    },
  };
}
