import { type Channel, closeCodes, type Deal, type MessageOf } from "@latentweave/protocol";
import { type ParameterLayout, sliceBytes } from "@latentweave/parameters";
import { broadcastSlices } from "./broadcast-slices.ts";
import type { OfferPolicy } from "./offers.ts";
import type { OwnedSlice } from "./owned-state.ts";
import type { Publication } from "./publication.ts";

/**
 * One attached worker, or a relay with several behind it: which version it was last told, and which change of each slice
 * it was last sent.
 */
interface Subscriber {
  readonly channel: Channel;
  readonly who: Audience;
  readonly sent: Map<OwnedSlice, number>;
  /** It reads this shard's memory: no bytes are sent to it. */
  mapped: boolean;
  version: number | undefined;
  /** For whom the last broadcast was; empty before there was one. */
  told: readonly Addressee[];
}

type Audience =
  | { readonly kind: "worker"; readonly workerId: string }
  | { readonly kind: "relay"; readonly behind: NonNullable<MessageOf<"attach">["behind"]> };

/** A member, and the quorum since which it is one with its tasks. */
interface Addressee {
  readonly workerId: string;
  readonly place: number;
  readonly since: number;
}

/** Who is attached: a worker may reach a shard by itself, and be a relay for others besides. */
export function subscriberOf({ workerId, behind }: MessageOf<"attach">): string {
  return behind ? `relay ${workerId}` : workerId;
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
 * 4. A relay gets one broadcast for all that are behind it; the first one that names a place has everything that these
 *    use, so that whoever is there needs nothing from before.
 */
export interface Subscribers {
  /** The same worker may attach again, on the same channel too: it has lost or overwritten what it was sent. */
  attach(channel: Channel, message: MessageOf<"attach">): void;
  /** @param subscriber as `subscriberOf` names it */
  detach(subscriber: string, channel: Channel): void;
  /** It says that it reads this shard's memory, as long as it is attached by this channel. */
  mapped(subscriber: string, channel: Channel): void;
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
  /** Leader, where sampling is adaptive: what each task has of a step. */
  readonly dealOf?: ((step: number) => Deal | undefined) | undefined;
  /** How those who get weights through sockets are to send what they have computed. Default: whole, straight away. */
  readonly offers?: OfferPolicy | undefined;
  /** What was given to a worker's channel. */
  readonly onSent?: ((workerId: string, channel: Channel, bytes: number) => void) | undefined;
}): Subscribers {
  const { runId, index, layout, publication } = options;
  const attached = new Map<string, Subscriber>();
  const portionBytes = Math.ceil(options.offers?.portionBytes(sliceBytes(publication.slices)) ?? 1);
  let members: ReadonlyMap<string, Membership> = new Map();
  let timeline = 0;
  let sentBytes = 0;

  const uses = (addressees: readonly Addressee[], slice: OwnedSlice): boolean =>
    layout.groups[slice.group]?.tasks.some((task) =>
      addressees.some(({ workerId }) => members.get(workerId)?.tasks.includes(task)),
    ) ?? false;

  const addresseesOf = ({ who }: Subscriber): Addressee[] =>
    (who.kind === "worker" ? [{ workerId: who.workerId, place: 0 }] : who.behind).flatMap((one) => {
      const since = members.get(one.workerId)?.since;
      return since === undefined ? [] : [{ ...one, since }];
    });

  /** Kept: they are asked for with each broadcast. */
  let counted: { readonly far: number; readonly coming: number } | undefined;

  /** Subscribers that get bytes through a socket, and members that are not here yet. */
  const audience = (): { readonly far: number; readonly coming: number } => {
    if (counted) return counted;
    const here = new Set<string>();
    let far = 0;
    for (const one of attached.values()) {
      if (!isNear(one)) far += 1;
      for (const { workerId } of one.who.kind === "worker" ? [one.who] : one.who.behind) here.add(workerId);
    }
    let coming = 0;
    for (const workerId of members.keys()) if (!here.has(workerId)) coming += 1;
    return (counted = { far, coming });
  };

  /** @returns what lets the message leave, before anything else is sent to this subscriber */
  const tell = (subscriber: Subscriber, version: number): (() => void) => {
    const addressees = addresseesOf(subscriber);
    const [first] = addressees;
    if (!first) return () => undefined;
    const { sent, who, channel } = subscriber;
    // Invariant 4.
    if (hasNewcomers(subscriber, addressees)) sent.clear();
    const due = subscriber.mapped
      ? []
      : publication.slices.filter(
          (slice) => uses(addressees, slice) && sent.get(slice) !== publication.changedAt(slice, version),
        );
    const slices = broadcastSlices(publication, due, version, sent);
    subscriber.version = version;
    subscriber.told = addressees;
    const behind = addressees.map(({ place, since }) => ({ place, quorumId: since }));
    const deal = options.dealOf?.(version);
    const { offers } = options;
    const { far, coming } = audience();
    const isSentTo = offers !== undefined && !isNear(subscriber);
    const message = {
      type: "broadcast",
      ...{ runId, timeline, step: version, round: 0, quorumId: first.since, index },
      ...(deal && { deal }),
      slices: slices.headers,
      ...(who.kind === "relay" && { behind }),
      ...(isSentTo && { portionBytes }),
      ...(isSentTo && far + coming >= offers.fromSubscribers && { offersOver: offers.overBytes }),
    } as const;
    sentBytes += slices.bytes;
    // A copy in one frame is of no use to those who are about to come for the same.
    const isOnly = isNear(subscriber) ? far === 0 : far + coming === 1;
    const leave = slices.stage(channel, message, isOnly);
    return () => {
      leave();
      options.onSent?.(first.workerId, channel, slices.bytes);
    };
  };

  /** Invariant 3. */
  const versionFor = (subscriber: Subscriber): number | undefined => {
    const { newest, settled } = publication;
    const isAhead = newest !== undefined && subscriber.version === newest;
    return isAhead && !hasNewcomers(subscriber, addresseesOf(subscriber)) ? newest : settled;
  };

  return {
    attach(channel, message) {
      const { workerId, behind } = message;
      const name = subscriberOf(message);
      const before = attached.get(name)?.channel;
      const subscriber: Subscriber = {
        channel,
        who: behind ? { kind: "relay", behind } : { kind: "worker", workerId },
        sent: new Map(),
        mapped: false,
        version: undefined,
        told: [],
      };
      attached.set(name, subscriber);
      counted = undefined;
      if (before !== channel) before?.close(closeCodes.replaced, "the same worker has connected again");
      const version = versionFor(subscriber);
      if (version !== undefined) tell(subscriber, version)();
    },
    detach(subscriber, channel) {
      if (attached.get(subscriber)?.channel !== channel) return;
      attached.delete(subscriber);
      counted = undefined;
    },
    mapped(name, channel) {
      const subscriber = attached.get(name);
      if (subscriber?.channel !== channel) return;
      subscriber.mapped = true;
      counted = undefined;
    },
    setMembers(next) {
      members = next;
      counted = undefined;
      for (const subscriber of attached.values()) {
        if (isSame(subscriber.told, addresseesOf(subscriber))) continue;
        const version = versionFor(subscriber);
        if (version !== undefined) tell(subscriber, version)();
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
      for (const subscriber of attached.values()) {
        const current = subscriber.version === (newest ?? 0) - 1 || settled === newest ? newest : settled;
        if (current !== undefined && subscriber.version !== current) leaving.push(tell(subscriber, current));
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

/** It needs no bytes, or shares memory with this shard. */
function isNear({ channel, mapped }: Subscriber): boolean {
  return mapped || channel.deliversWithin === true;
}

/** Somebody who has been named in no broadcast yet. */
function hasNewcomers({ told }: Subscriber, addressees: readonly Addressee[]): boolean {
  return addressees.some(({ place }) => !told.some((one) => one.place === place));
}

function isSame(told: readonly Addressee[], now: readonly Addressee[]): boolean {
  return (
    told.length === now.length &&
    now.every(({ place, since }, at) => told[at]?.place === place && told[at].since === since)
  );
}
