import type { RunSpec } from "@latentweave/plan";
import type { Lease, MessageOf } from "@latentweave/protocol";

/** Follows who may compute what: quorum by quorum, as it is told to shards and workers. */
export interface LeaseCheck {
  members(shard: string, message: MessageOf<"members">): void;
  assignment(worker: string, message: MessageOf<"assignment">): void;
  /** Another coordinator has begun. */
  launched(): void;
}

export function checkLeases(spec: Pick<RunSpec, "tasks">, onFault: (text: string) => void): LeaseCheck {
  /** By connection: what is said on one of them comes in order. */
  const toldShards = new Map<string, number>();
  let quorumId = 0;
  let held = new Map<string, readonly Lease[]>();
  return {
    members(shard, message) {
      const before = toldShards.get(shard) ?? 0;
      if (message.quorumId < before) onFault(`${shard} hears of quorum ${message.quorumId} after ${before}`);
      toldShards.set(shard, message.quorumId);
    },
    assignment(worker, message) {
      if (message.quorumId < quorumId) {
        onFault(`${worker} gets leases of quorum ${message.quorumId} after ${quorumId}`);
        return;
      }
      if (message.quorumId > quorumId) {
        quorumId = message.quorumId;
        held = new Map();
      }
      held.set(worker, message.leases);
      for (const { name, slots } of spec.tasks) {
        const by = new Array<number>(slots).fill(0);
        for (const leases of held.values())
          for (const lease of leases)
            if (lease.task === name)
              for (let slot = lease.start; slot < lease.end; slot++) by[slot] = (by[slot] ?? 0) + 1;
        const twice = by.findIndex((count) => count > 1);
        if (twice >= 0) onFault(`slot ${twice} of ${name} is leased twice in quorum ${quorumId}`);
        const free = by.indexOf(0);
        if (held.size === message.worldSize && free >= 0)
          onFault(`slot ${free} of ${name} is leased to nobody in quorum ${quorumId}`);
      }
    },
    launched() {
      // Its shards hear of its first quorum before its workers do, as of every other.
      toldShards.clear();
    },
  };
}
