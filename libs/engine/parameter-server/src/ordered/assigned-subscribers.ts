import type { ParameterLayout } from "@latentweave/parameters";
import { type Channel, closeCodes, type MessageOf, ProtocolError, type Work } from "@latentweave/protocol";
import { broadcastSlices } from "../broadcast-slices.ts";
import type { OwnedSlice } from "../owned-state.ts";
import type { Publication } from "../publication.ts";
import type { Membership, Subscribers } from "../subscribers.ts";

/** What a worker says of this shard's part of the weights on its device. */
export type Holds = NonNullable<MessageOf<"attach">["holds"]>;

interface Subscriber {
  readonly channel: Channel;
  /** Changes of slices that it was sent on this attachment. */
  readonly sent: Map<OwnedSlice, number>;
  /** What this shard's part of its weights is for, in this timeline; on this channel or one before. */
  has: Work | undefined;
  /** What it was told on this attachment. */
  told: Work | undefined;
  since: number;
}

/**
 * Sends weights in the modes with an order: to each worker those of the version on which its planned step is computed,
 * when it is given that step, and no others: it computes on them meanwhile.
 *
 * Invariants:
 * 1. A worker gets a slice only when one of its tasks uses the group.
 * 2. A broadcast for (planned step, version) means: this shard's part of the worker's weights is that version's.
 *    Said again, it asks for everything that the worker has of that step.
 * 3. Weights of the newest version and of the one before can be had; who lacks older ones can never be given them.
 */
export interface AssignedSubscribers extends Subscribers {
  /**
   * Everything that is in hand, by worker. `opened`: nothing of it is held here; whoever has sent something before is told
   * again, and sends it again.
   */
  assign(work: ReadonlyMap<string, Work>, opened: readonly Work[]): void;
  /** A step is decided and its gradients are missing here: whoever has them is told that they are waited for. */
  owe(work: Work | undefined): void;
}

export function createAssignedSubscribers(options: {
  readonly runId: string;
  readonly index: number;
  readonly layout: ParameterLayout;
  readonly publication: Publication;
  readonly onSent?: ((workerId: string, channel: Channel, bytes: number) => void) | undefined;
  /** Invariant 3. */
  readonly onLacking: (workerId: string, work: Work) => void;
}): AssignedSubscribers {
  const { runId, index, layout, publication } = options;
  const attached = new Map<string, Subscriber>();
  let members: ReadonlyMap<string, Membership> = new Map();
  let assigned: ReadonlyMap<string, Work> = new Map();
  let owed: Work | undefined;
  let timeline = 0;
  let sentBytes = 0;

  const uses = (workerId: string, slice: OwnedSlice): boolean => {
    const tasks = members.get(workerId)?.tasks ?? [];
    return layout.groups[slice.group]?.tasks.some((task) => tasks.includes(task)) ?? false;
  };

  const send = (
    workerId: string,
    to: Subscriber,
    work: Work,
    since: number,
    due: readonly OwnedSlice[],
  ): void => {
    const version = work.basis;
    const slices = broadcastSlices(publication, due, version, to.sent);
    to.has = to.told = work;
    to.since = since;
    const message = {
      type: "broadcast",
      ...{ runId, timeline, step: work.planned, basis: version },
      ...{ round: 0, quorumId: since, index },
      slices: slices.headers,
    } as const;
    slices.stage(to.channel, message)();
    options.onSent?.(workerId, to.channel, slices.bytes);
    sentBytes += slices.bytes;
  };

  /** What it is to be told now, if it is a member and has not been told. */
  const serve = (workerId: string, to: Subscriber): void => {
    const since = members.get(workerId)?.since;
    const { newest } = publication;
    if (since === undefined || newest === undefined) return;
    const work = owed && isSame(owed, to.has) ? owed : assigned.get(workerId);
    if (!work || (isSame(work, to.told) && to.since === since)) return;
    if (isSame(work, to.has) || to.has?.basis === work.basis) send(workerId, to, work, since, []);
    else if (work.basis === newest || work.basis === newest - 1) {
      const due = publication.slices.filter(
        (slice) => uses(workerId, slice) && to.sent.get(slice) !== publication.changedAt(slice, work.basis),
      );
      send(workerId, to, work, since, due);
    } else if (work.basis < newest) options.onLacking(workerId, work);
  };
  const serveAll = (): void => {
    for (const [workerId, subscriber] of attached) serve(workerId, subscriber);
  };

  return {
    attach(channel, { workerId, holds, behind }) {
      if (behind) throw new ProtocolError("in a mode with an order every worker speaks for itself");
      const before = attached.get(workerId)?.channel;
      const has = holds?.timeline === timeline ? { planned: holds.planned, basis: holds.basis } : undefined;
      const subscriber: Subscriber = {
        channel,
        sent: new Map(),
        has,
        told: undefined,
        since: -1,
      };
      attached.set(workerId, subscriber);
      if (before !== channel) before?.close(closeCodes.replaced, "the same worker has connected again");
      serve(workerId, subscriber);
    },
    detach(workerId, channel) {
      if (attached.get(workerId)?.channel === channel) attached.delete(workerId);
    },
    // Workers compute on versions whose memory may be used again.
    mapped: () => undefined,
    setMembers(next) {
      for (const [workerId, subscriber] of attached)
        // Weights of tasks that it had no part in were not sent.
        if (!sameTasks(members.get(workerId)?.tasks, next.get(workerId)?.tasks)) forget(subscriber);
      members = next;
      serveAll();
    },
    isMember: (workerId) => members.has(workerId),
    startOver(next) {
      timeline = next;
      assigned = new Map();
      owed = undefined;
      for (const subscriber of attached.values()) {
        forget(subscriber);
        subscriber.sent.clear();
      }
    },
    assign(work, opened) {
      assigned = work;
      for (const subscriber of attached.values())
        if (opened.some((one) => isSame(one, subscriber.told))) subscriber.told = undefined;
      serveAll();
    },
    owe(work) {
      if (isSame(work, owed)) return;
      owed = work;
      serveAll();
    },
    publish: serveAll,
    get sentBytes() {
      return sentBytes;
    },
    closeAll() {
      for (const { channel } of attached.values()) channel.close(closeCodes.done, "the run is over");
      attached.clear();
    },
  };
}

function forget(subscriber: Subscriber): void {
  subscriber.has = undefined;
  subscriber.told = undefined;
}

function isSame(one: Work | undefined, other: Work | undefined): boolean {
  return one === other || (one?.planned === other?.planned && one?.basis === other?.basis);
}

function sameTasks(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return one === other || [...(one ?? [])].sort().join("\0") === [...(other ?? [])].sort().join("\0");
}
