import { isOrdered, keepsBits, type RunSpec } from "@latentweave/plan";
import type { Channel, Lease, MessageOf } from "@latentweave/protocol";
import { type Assignee, assignLeases, rebalance } from "./assign.ts";
import { keepLeases, largeFleet } from "./keep-leases.ts";
import type { Member } from "./member.ts";
import { type Relay, relaysOf } from "./relays.ts";
import type { RunLog } from "./run-log.ts";
import { dealTeams } from "./teams.ts";

/** Steps of a worker before its measured speed moves leases: fewer say more of the machine's mood than of its speed. */
const leastReports = 10;
type Audits = MessageOf<"assignment">["audits"];

const quorumsPerGeneration = 1 << 20;

/**
 * Says who computes what: one quorum after the other, each with ranks and leases.
 *
 * Invariants (of the coordinator):
 * 1. `quorumId` rises with every change of members or leases; shards hear of it before workers do. In a large fleet
 *    a worker is told the one since which the shards know it with its tasks, and only when that or its leases changed.
 * 3. Leases of one quorum cover every slot of every task exactly once; in modes with an order those of each team do.
 */
export interface Quorum {
  readonly quorumId: number;
  /** A new quorum of these members; `leases`: when they are known already. */
  form(
    active: readonly Member[],
    why: string,
    leases?: ReadonlyMap<string, readonly Lease[]>,
    /** Nobody speaks for others: who computed what is in doubt. */
    apart?: boolean,
  ): void;
  /** To a shard that knows of no members, or of others. */
  tellShard(shard: Channel): void;
  /** A new quorum when the measured speeds promise enough. */
  considerRebalance(active: readonly Member[]): void;
}

export function createQuorum(options: {
  readonly runId: string;
  /** Of the coordinator: quorums of a later one are newer than all before. */
  readonly generation: number;
  readonly spec: RunSpec;
  readonly log: RunLog;
  readonly shards: () => readonly Channel[];
  /** One worker of a host may speak for all of them. */
  readonly hostAggregation: boolean;
  /** Those whom others are to check in every step. */
  readonly suspects: () => ReadonlySet<string>;
  /** Whoever was a member until now. */
  readonly everyone: () => Iterable<Member>;
  readonly onFormed: (workers: number) => void;
}): Quorum {
  const { runId, spec, log } = options;
  let quorumId = options.generation * quorumsPerGeneration;
  let formed: MessageOf<"members"> | undefined;
  let told: ReadonlyMap<Member, Told> = new Map();
  /** Modes with an order: the team of each worker. */
  let teams: ReadonlyMap<string, number> = new Map();
  let warnedIdle = false;
  let relayTexts: readonly string[] = [];

  const tell = (active: readonly Member[], apart: boolean): void => {
    // In a small fleet everybody is told everything anew.
    const before = active.length < largeFleet ? new Map<Member, Told>() : told;
    const audits = auditsOf(able(active), spec.auditShare ?? 0, options.suspects());
    // What senders leave out of their gradients does not add up along the tree.
    const addsUp = !isOrdered(spec) && keepsBits(spec);
    const mayRelay = options.hostAggregation && !apart && addsUp && options.suspects().size === 0;
    const relays = mayRelay ? relaysOf(active) : new Map<string, Relay>();
    told = new Map(
      active.map((member) => [
        member,
        toldNow(
          before.get(member),
          member.leases,
          audits.get(member.workerId) ?? [],
          relays.get(member.workerId),
        ),
      ]),
    );
    logRelays([...new Set(relays.values())], active);
    const workers = [...told].map(([{ workerId }, { tasks, since }]) => {
      const team = teams.get(workerId);
      return { workerId, tasks, since, ...(team !== undefined && { team }) };
    });
    formed = { type: "members", runId, quorumId, workers };
    for (const shard of options.shards()) shard.send(formed);
    for (const [rank, member] of active.entries()) {
      const now = told.get(member);
      if (!now || now === before.get(member)) continue;
      member.channel?.send({
        ...{ type: "assignment", runId, quorumId: now.since },
        ...{ rank, worldSize: active.length, leases: [...now.leases], audits: now.audits },
        ...(now.relay && { relay: now.relay }),
      });
    }
  };

  /** @returns `last` itself where there is nothing to be told */
  const toldNow = (
    last: Told | undefined,
    leases: readonly Lease[],
    audits: Audits,
    relay: Relay | undefined,
  ): Told => {
    const sameRelay = isEqual(last?.relay, relay);
    if (last && sameRelay && isEqual(last.leases, leases) && isEqual(last.audits, audits)) return last;
    const all = [...leases, ...audits.flatMap((audit) => audit.leases)];
    const tasks = [...new Set(all.map((lease) => lease.task))];
    // Whoever shares a relay is told of each change together: sums there are made of what members send.
    const since = last && sameRelay && isEqual(last.tasks, tasks) ? last.since : quorumId;
    return { since, tasks, leases, audits, relay };
  };

  const logRelays = (relays: readonly Relay[], active: readonly Member[]): void => {
    const texts = relays.map(({ workerId, workers }) => {
      const host = active.find((member) => member.workerId === workerId)?.host ?? "?";
      return `worker ${workerId} speaks for ${workers.length} workers of host ${host}`;
    });
    for (const text of texts) if (!relayTexts.includes(text)) log.event("info", text);
    relayTexts = texts;
  };

  const deal = (active: readonly Member[]): ReadonlyMap<string, readonly Lease[]> => {
    if (active.length === 0) return new Map<string, Lease[]>();
    const workers = assigneesOf(able(active));
    if (isOrdered(spec)) {
      const places = dealTeams(spec, workers, teams);
      teams = new Map([...places].map(([workerId, { team }]) => [workerId, team]));
      return new Map([...places].map(([workerId, { leases }]) => [workerId, leases]));
    }
    const current = new Map([...told].map(([{ workerId }, { leases }]) => [workerId, leases]));
    return keepLeases(spec, workers, current) ?? assignLeases(spec, workers);
  };

  const warnIdle = (active: readonly Member[]): void => {
    const idle = able(active).filter((member) => member.leases.length === 0).length;
    // Tasks begin with another worker each: whoever has none of the one has some of the next.
    const allSlots = spec.tasks.reduce((sum, task) => sum + task.slots, 0);
    if (idle === 0 || warnedIdle || allSlots >= active.length) return;
    warnedIdle = true;
    const slots = spec.tasks.map((task) => `tasks.${task.name}.slots is ${task.slots}`).join(", ");
    log.event(
      "warning",
      `${idle} of ${active.length} workers have nothing to do: the job has fewer slots than workers (${slots}); raise "slots" in the job, which changes its results, or start fewer workers`,
    );
  };

  const form: Quorum["form"] = (active, why, leases, apart = false) => {
    quorumId += 1;
    const assigned = leases ?? deal(active);
    for (const member of options.everyone()) {
      member.rank = null;
      member.leases = [];
    }
    for (const [rank, member] of active.entries()) {
      member.rank = rank;
      member.leases = assigned.get(member.workerId) ?? [];
    }
    tell(active, apart);
    const count = active.length;
    log.event(
      "info",
      `quorum ${quorumId % quorumsPerGeneration}: ${count} worker${count === 1 ? "" : "s"} (${why})`,
    );
    if (count === 0) log.event("warning", "no worker is left: waiting for one to join");
    options.onFormed(count);
    warnIdle(active);
  };

  return {
    get quorumId() {
      return quorumId;
    },
    form,
    tellShard(shard) {
      if (formed) shard.send(formed);
    },
    considerRebalance(everyone) {
      const active = able(everyone);
      // Teams wait for nobody, and whoever is in one has its slots until somebody comes or goes.
      if (isOrdered(spec)) return;
      if (active.length < 2 || active.some(unmeasured)) return;
      const current = new Map(active.map((member) => [member.workerId, member.leases]));
      const better = rebalance(spec, assigneesOf(active), current);
      if (better) form(everyone, "measured speeds differ", better);
    },
  };
}

/** What a member of the last quorum has been told. */
interface Told {
  /** The quorum since which the shards know it as a member with these tasks. */
  readonly since: number;
  readonly tasks: string[];
  readonly leases: readonly Lease[];
  readonly audits: Audits;
  readonly relay: Relay | undefined;
}

function isEqual(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Who computes whose slots as well: a ring, each worker its neighbour's, in a share of the steps; suspects are checked in
 * every step, by somebody who is none.
 */
export function auditsOf(
  active: readonly Pick<Member, "workerId" | "leases">[],
  share: number,
  suspects: ReadonlySet<string>,
): ReadonlyMap<string, Audits> {
  const audits = new Map<string, Audits>();
  if (active.length < 2) return audits;
  const trusted = active.filter(({ workerId }) => !suspects.has(workerId));
  for (const [place, { workerId, leases }] of active.entries()) {
    const isSuspect = suspects.has(workerId) && trusted.length > 0;
    const auditor = isSuspect ? trusted[place % trusted.length] : active[(place + 1) % active.length];
    const own = isSuspect ? 1 : share;
    if (!auditor || own === 0 || leases.length === 0) continue;
    const before = audits.get(auditor.workerId) ?? [];
    audits.set(auditor.workerId, [...before, { workerId, share: own, leases: [...leases] }]);
  }
  return audits;
}

/** Those who may have leases: all of them where everybody is late. */
function able(active: readonly Member[]): readonly Member[] {
  const punctual = active.filter((member) => !member.suspended);
  return punctual.length === 0 ? active : punctual;
}

/** A worker without leases has nothing to be measured by. */
function unmeasured(member: Member): boolean {
  return member.leases.length > 0 && member.reports < leastReports;
}

/** A newcomer counts as an average worker until it has been measured. */
function assigneesOf(active: readonly Member[]): Assignee[] {
  const known = active.flatMap((member) => member.samplesPerSecond ?? []);
  const average = known.length === 0 ? 1 : known.reduce((sum, rate) => sum + rate, 0) / known.length;
  return active.map((member) => ({
    workerId: member.workerId,
    speed: member.samplesPerSecond ?? average,
    host: member.relay?.loopback,
  }));
}
