import { type Channel, closeCodes } from "@latentweave/protocol";
import type { ParameterLayout } from "@latentweave/parameters";
import type { OwnedSlice } from "./owned-state.ts";
import type { Publication } from "./publication.ts";

/** One attached worker: what it computes for, and which version of each slice it was last sent. */
interface Subscriber {
  readonly channel: Channel;
  readonly sent: Map<OwnedSlice, number>;
}

/**
 * Sends weights to whoever uses them.
 *
 * Invariants:
 * 1. A worker gets a slice only when one of its tasks uses the group, and each version of it at most once per connection.
 * 2. A broadcast for (step, quorumId) means: everything of this shard that the worker's tasks use is now at `step`.
 */
export interface Subscribers {
  attach(workerId: string, channel: Channel): void;
  detach(workerId: string, channel: Channel): void;
  setMembers(quorumId: number, tasksByWorker: ReadonlyMap<string, readonly string[]>): void;
  readonly quorumId: number;
  isMember(workerId: string): boolean;
  /** Brings every attached member up to date with the published step. */
  publish(): void;
  readonly sentBytes: number;
  closeAll(): void;
}

export function createSubscribers(options: {
  readonly runId: string;
  readonly index: number;
  readonly layout: ParameterLayout;
  readonly publication: Publication;
}): Subscribers {
  const { runId, index, layout, publication } = options;
  const attached = new Map<string, Subscriber>();
  let members: ReadonlyMap<string, readonly string[]> = new Map();
  let quorumId = 0;
  let sentBytes = 0;

  const uses = (workerId: string, slice: OwnedSlice): boolean => {
    const tasks = members.get(workerId) ?? [];
    return layout.groups[slice.group]?.tasks.some((task) => tasks.includes(task)) ?? false;
  };

  const bringUpToDate = (workerId: string, subscriber: Subscriber): void => {
    const { step } = publication;
    if (step === undefined || !members.has(workerId)) return;
    const due = publication.slices.filter(
      (slice) => uses(workerId, slice) && subscriber.sent.get(slice) !== publication.versionOf(slice),
    );
    const bytes = due.map((slice) => publication.bytesOf(slice));
    for (const slice of due) subscriber.sent.set(slice, publication.versionOf(slice));
    subscriber.channel.send(
      {
        type: "broadcast",
        runId,
        step,
        round: 0,
        quorumId,
        index,
        slices: due.map(({ group, start, numbers }) => ({ group, start, numbers })),
      },
      bytes,
    );
    sentBytes += bytes.reduce((sum, part) => sum + part.byteLength, 0);
  };

  return {
    attach(workerId, channel) {
      const before = attached.get(workerId)?.channel;
      const subscriber = { channel, sent: new Map<OwnedSlice, number>() };
      attached.set(workerId, subscriber);
      before?.close(closeCodes.replaced, "the same worker has connected again");
      bringUpToDate(workerId, subscriber);
    },
    detach(workerId, channel) {
      if (attached.get(workerId)?.channel === channel) attached.delete(workerId);
    },
    setMembers(id, tasksByWorker) {
      quorumId = id;
      members = tasksByWorker;
      for (const [workerId, subscriber] of attached) bringUpToDate(workerId, subscriber);
    },
    get quorumId() {
      return quorumId;
    },
    isMember: (workerId) => members.has(workerId),
    publish() {
      for (const [workerId, subscriber] of attached) bringUpToDate(workerId, subscriber);
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
