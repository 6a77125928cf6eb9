import { isOrdered, type RunSpec } from "@latentweave/plan";
import type { Lease, MessageOf } from "@latentweave/protocol";

/** Follows who may compute what, as it is told to shards and workers. */
export interface LeaseCheck {
  members(connection: number, message: MessageOf<"members">): void;
  assignment(worker: string, message: MessageOf<"assignment">): void;
  /** A quorum is told in one go: once time has passed, it must be whole. */
  look(): void;
}

export function checkLeases(
  spec: Pick<RunSpec, "tasks" | "mode">,
  nowMs: () => number,
  onFault: (text: string) => void,
): LeaseCheck {
  /** By connection, for what is said on one of them comes in order. */
  const told = new Map<number, number>();
  let quorumId = -1;
  let size = 0;
  /** What each member was last told; whom nothing changes for is not told again. */
  const held = new Map<string, readonly Lease[]>();
  let changedMs: number | undefined;
  /** As the shards were told. */
  let teams: ReadonlyMap<string, number | undefined> = new Map();

  const verify = (): void => {
    for (const team of new Set(teams.values())) verifyTeam(team);
    // No shard was there to be told of teams.
    if (teams.size === 0 && !isOrdered(spec)) verifyTeam(undefined);
  };

  /** In modes with an order each team covers everything. */
  const verifyTeam = (team: number | undefined): void => {
    for (const { name, slots } of spec.tasks) {
      const by = new Array<number>(slots).fill(0);
      const own = [...held].filter(([worker]) => teams.get(worker) === team);
      for (const [, leases] of own)
        for (const lease of leases)
          if (lease.task === name)
            for (let slot = lease.start; slot < lease.end; slot++) by[slot] = (by[slot] ?? 0) + 1;
      const twice = by.findIndex((count) => count > 1);
      if (twice >= 0) onFault(`slot ${twice} of ${name} is leased twice in quorum ${quorumId}`);
      const free = by.indexOf(0);
      if (size > 0 && held.size === size && free >= 0)
        onFault(`slot ${free} of ${name} is leased to nobody in quorum ${quorumId}`);
    }
  };

  return {
    members(connection, message) {
      const before = told.get(connection) ?? -1;
      if (message.quorumId < before)
        onFault(`a shard hears of quorum ${message.quorumId} after ${before} on one connection`);
      told.set(connection, message.quorumId);
      if (message.quorumId < quorumId) onFault(`quorum ${message.quorumId} follows ${quorumId}`);
      if (message.quorumId === quorumId) return;
      quorumId = message.quorumId;
      size = message.workers.length;
      teams = new Map(message.workers.map(({ workerId, team }) => [workerId, team]));
      const present = new Set(message.workers.map(({ workerId }) => workerId));
      for (const worker of [...held.keys()]) if (!present.has(worker)) held.delete(worker);
      changedMs = nowMs();
    },
    assignment(worker, message) {
      if (message.quorumId > quorumId || message.worldSize !== size) {
        // No shard was there to be told, so who else is a member is not known either.
        quorumId = Math.max(quorumId, message.quorumId);
        size = message.worldSize;
        held.clear();
        teams = new Map();
      }
      held.set(worker, message.leases);
      changedMs = nowMs();
    },
    look() {
      if (changedMs === undefined || nowMs() <= changedMs) return;
      changedMs = undefined;
      verify();
    },
  };
}
