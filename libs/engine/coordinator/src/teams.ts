import { type RunSpec, sideBySide } from "@latentweave/plan";
import type { Lease } from "@latentweave/protocol";
import { type Assignee, assignLeases } from "./assign.ts";

/** Whom a worker computes together with, and which slots of what the team has in hand are its. */
export interface TeamPlace {
  readonly team: number;
  readonly leases: readonly Lease[];
}

/**
 * In modes with an order, workers are dealt into teams; each has a planned step of its own in hand, and its leases cover
 * every slot once. Whoever is in a team stays there while that keeps the teams equal in number, to one worker.
 */
export function dealTeams(
  spec: Pick<RunSpec, "tasks" | "mode">,
  workers: readonly Assignee[],
  before: ReadonlyMap<string, number>,
): ReadonlyMap<string, TeamPlace> {
  const count = sideBySide(spec, workers.length);
  const teams = Array.from({ length: count }, (): Assignee[] => []);
  const newcomers: Assignee[] = [];
  const most = Math.ceil(workers.length / count);
  for (const worker of workers) {
    const own = teams[before.get(worker.workerId) ?? count];
    if (own && own.length < most) own.push(worker);
    else newcomers.push(worker);
  }
  const smallest = (): Assignee[] =>
    teams.reduce((least, team) => (team.length < least.length ? team : least));
  const largest = (): Assignee[] => teams.reduce((most, team) => (team.length > most.length ? team : most));
  for (const worker of newcomers) smallest().push(worker);
  while (largest().length > smallest().length + 1) smallest().push(largest().pop() as Assignee);
  return new Map(
    teams.flatMap((members, team) => {
      const leases = assignLeases(spec, members);
      return members.map(({ workerId }): [string, TeamPlace] => [
        workerId,
        { team, leases: leases.get(workerId) ?? [] },
      ]);
    }),
  );
}
