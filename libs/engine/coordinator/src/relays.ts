import type { MessageOf } from "@latentweave/protocol";
import type { Member } from "./member.ts";

export type Relay = NonNullable<MessageOf<"assignment">["relay"]>;

type Candidate = Pick<Member, "workerId" | "relay" | "leases" | "suspended">;

/**
 * Which worker speaks for which: where several of one host have something to compute, and the parameter server is not on
 * that host, the one that has been here longest relays for all of them. Where one of them is late nobody does: it may be
 * the one that the others would wait for.
 *
 * @param active in the order in which they came. @returns by worker, for all of whom somebody relays
 */
export function relaysOf(active: readonly Candidate[]): ReadonlyMap<string, Relay> {
  const hosts = new Map<string, Candidate[]>();
  for (const member of active) {
    if (!member.relay) continue;
    const known = hosts.get(member.relay.loopback);
    if (known) known.push(member);
    else hosts.set(member.relay.loopback, [member]);
  }
  const relays = new Map<string, Relay>();
  for (const members of hosts.values()) {
    const [first] = members;
    const busy = members.filter(({ leases }) => leases.length > 0);
    if (!first?.relay || busy.length < 2 || members.some(({ suspended }) => suspended)) continue;
    const relay: Relay = {
      ...{ workerId: first.workerId, port: first.relay.port },
      workers: members.map(({ workerId, leases }) => ({
        workerId,
        leases: leases.map((lease) => ({ ...lease })),
      })),
    };
    for (const { workerId } of members) relays.set(workerId, relay);
  }
  return relays;
}
