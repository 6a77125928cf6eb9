import { type Channel, closeCodes, type MessageOf, staged } from "@latentweave/protocol";
import type { ParameterLayout } from "@latentweave/parameters";
import { broadcastSlices } from "./broadcast-slices.ts";
import type { OwnedSlice } from "./owned-state.ts";
import type { Publication } from "./publication.ts";

/** One attached worker: which version it was last told, and which change of each slice it was last sent. */
interface Subscriber {
  readonly channel: Channel;
  readonly sent: Map<OwnedSlice, number>;
  version: number | undefined;
  /** Of the last broadcast. */
  since: number;
}

/** A worker that may speak. */
export interface Membership {
  readonly tasks: readonly string[];
  /** The quorum since which this holds: it waits for a broadcast that names it. */
  readonly since: number;
}

/**
 * Sends weights to whoever uses them.
 *
 * Invariants:
 * 1. A worker gets a slice only when one of its tasks uses the group, and each change of it at most once per attachment.
 * 2. A broadcast for (step, quorumId) means: everything of this shard that the worker's tasks use is now at `step`.
 * 3. Who attaches gets the newest settled version, for other shards may have no newer one; who is attached gets every
 *    version as soon as it is made.
 */
export interface Subscribers {
  /** The same worker may attach again, on the same channel too: it has lost or overwritten what it was sent. */
  attach(workerId: string, channel: Channel, holds?: MessageOf<"attach">["holds"]): void;
  detach(workerId: string, channel: Channel): void;
  setMembers(members: ReadonlyMap<string, Membership>): void;
  isMember(workerId: string): boolean;
  /** Work done before is void: everybody gets everything anew, once a version is settled. */
  startOver(timeline: number): void;
  /** A version was made, or settled: everybody who lacks it gets it. */
  publish(): void;
  readonly sentBytes: number;
  closeAll(): void;
}

export function createSubscribers(options: {
  readonly runId: string;
  readonly index: number;
  readonly layout: ParameterLayout;
  readonly publication: Publication;
  /** What was given to a worker's channel. */
  readonly onSent?: ((workerId: string, channel: Channel, bytes: number) => void) | undefined;
}): Subscribers {
  const { runId, index, layout, publication } = options;
  const attached = new Map<string, Subscriber>();
  let members: ReadonlyMap<string, Membership> = new Map();
  let timeline = 0;
  let sentBytes = 0;

  const uses = (workerId: string, slice: OwnedSlice): boolean => {
    const tasks = members.get(workerId)?.tasks ?? [];
    return layout.groups[slice.group]?.tasks.some((task) => tasks.includes(task)) ?? false;
  };

  /** @returns what lets the message leave, before anything else is sent to this worker */
  const tell = (workerId: string, subscriber: Subscriber, version: number): (() => void) => {
    const since = members.get(workerId)?.since;
    if (since === undefined) return () => undefined;
    const due = publication.slices.filter(
      (slice) =>
        uses(workerId, slice) && subscriber.sent.get(slice) !== publication.changedAt(slice, version),
    );
    const slices = broadcastSlices(publication, due, version, subscriber.sent);
    subscriber.version = version;
    subscriber.since = since;
    const message = {
      type: "broadcast",
      ...{ runId, timeline, step: version, round: 0, quorumId: since, index },
      slices: slices.headers,
    } as const;
    sentBytes += slices.bytes;
    const leave = staged(subscriber.channel, message, slices.views(), slices.copies);
    return () => {
      leave();
      options.onSent?.(workerId, subscriber.channel, slices.bytes);
    };
  };

  /** Invariant 3. */
  const versionFor = (subscriber: Subscriber): number | undefined => {
    const { newest, settled } = publication;
    if (newest !== undefined && subscriber.version === newest) return newest;
    return settled;
  };

  return {
    attach(workerId, channel) {
      const before = attached.get(workerId)?.channel;
      const subscriber: Subscriber = { channel, sent: new Map(), version: undefined, since: -1 };
      attached.set(workerId, subscriber);
      if (before !== channel) before?.close(closeCodes.replaced, "the same worker has connected again");
      const version = versionFor(subscriber);
      if (version !== undefined) tell(workerId, subscriber, version)();
    },
    detach(workerId, channel) {
      if (attached.get(workerId)?.channel === channel) attached.delete(workerId);
    },
    setMembers(next) {
      members = next;
      for (const [workerId, subscriber] of attached) {
        if (subscriber.since === members.get(workerId)?.since) continue;
        const version = versionFor(subscriber);
        if (version !== undefined) tell(workerId, subscriber, version)();
      }
    },
    isMember: (workerId) => members.has(workerId),
    startOver(next) {
      timeline = next;
      for (const subscriber of attached.values()) {
        subscriber.sent.clear();
        subscriber.version = undefined;
      }
    },
    publish() {
      const { newest, settled } = publication;
      const leaving: (() => void)[] = [];
      for (const [workerId, subscriber] of attached) {
        const current = subscriber.version === (newest ?? 0) - 1 || settled === newest ? newest : settled;
        if (current !== undefined && subscriber.version !== current)
          leaving.push(tell(workerId, subscriber, current));
      }
      // Copies for all are made first: whoever is told begins to compute, and takes this process's core.
      for (const leave of leaving) leave();
    },
    get sentBytes() {
      return sentBytes;
    },
    closeAll() {
      for (const { channel } of attached.values()) channel.close(1000, "the run is over");
      attached.clear();
    },
  };
}
