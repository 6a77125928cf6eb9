import type { Channel, Message } from "@latentweave/protocol";
import { ProtocolError } from "@latentweave/protocol";
import { createBuddyLink } from "./buddy-link.ts";
import type { OwnedState } from "./owned-state.ts";
import { createPointReceiver } from "./point-receiver.ts";
import { copyState, type RecoveryPoint, sendPoint } from "./recovery-point.ts";
import type { ShardOptions } from "./shard-options.ts";

/**
 * Recovery points: copies of versions in memory, this shard's own and those of the shard before it, whose buddy it is.
 *
 * Invariants:
 * 1. The leader begins a cut only when none is under way: the one before is complete, or was given up by the coordinator.
 * 2. Of own copies and of kept ones there are at most two each: the newest complete one, and the one under way.
 * 3. Nothing of a timeline that is void stays, but for the point to which everybody went back.
 */
export interface Recovery {
  /** Leader: the version after this step is to be a recovery point. */
  isDue(version: number): boolean;
  /** Copies the newest version and has it sent. */
  cut(state: OwnedState, combiner: string | undefined): void;
  /** The coordinator's word: no cut is under way, and versions before this one serve nobody. */
  complete(version: number | undefined): void;
  /** Calls back with this shard's part of that version, from here or from the buddy; undefined: neither has it. */
  obtain(version: number, onAnswer: (point: RecoveryPoint | undefined) => void): void;
  /** What was asked for is wanted no more. */
  forget(): void;
  /** Everybody begins at this version: at `point`, or without any. */
  begin(version: number, point: RecoveryPoint | undefined): void;
  /** Tells the coordinator what is here. */
  tell(): void;
  buddyAt(address: string): void;
  /** What the shard says whose buddy this one is. */
  fromOwner(channel: Channel): (message: Message, slices: readonly Uint8Array[]) => void;
  stop(): void;
}

export function createRecovery(
  options: Pick<ShardOptions, "runId" | "index" | "shards" | "keepShard"> & {
    /** Steps from one recovery point to the next; 0: none. */
    readonly everySteps: () => number;
    readonly timeline: () => number;
    readonly onHeld: (own: number[], kept: number[]) => void;
    readonly onFailed: (error: unknown) => void;
  },
): Recovery {
  const { runId, shards } = options;
  const link = createBuddyLink(options);
  const receiver = createPointReceiver();
  const own = new Map<number, RecoveryPoint>();
  const kept = new Map<number, RecoveryPoint>();
  let owner: Channel | undefined;
  let completed: number | undefined;
  /** Version of the newest cut, complete or not, or at which everybody began. */
  let newest = 0;
  let underWay = false;
  /** Everybody began at it: whoever keeps it may be another process, and gets it again once all are there. */
  let begunAt: RecoveryPoint | undefined;

  const tell = (): void => options.onHeld([...own.keys()], [...kept.keys()]);
  const keepOnly = (points: Map<number, RecoveryPoint>, isKept: (version: number) => boolean): void => {
    for (const version of points.keys()) if (!isKept(version)) points.delete(version);
  };
  const add = (point: RecoveryPoint): void => {
    keepOnly(own, (version) => version === completed);
    own.set(point.version, point);
    newest = point.version;
    underWay = true;
    link.keep(point);
  };

  const keep = (point: RecoveryPoint | undefined): void => {
    if (!point) return;
    kept.set(point.version, point);
    tell();
  };

  const sendBack = (channel: Channel, version: number): void => {
    const point = kept.get(version);
    const timeline = options.timeline();
    if (!point) channel.send({ type: "point-end", runId, timeline, version, pieces: 0, held: false });
    else
      sendPoint({ runId, timeline, channel, point, isWanted: () => owner === channel }).catch(
        options.onFailed,
      );
  };

  const take = (message: Message, slices: readonly Uint8Array[], channel: Channel): void => {
    switch (message.type) {
      case "point-slice":
        if (message.timeline !== options.timeline()) return;
        if (receiver.version !== message.version) keepOnly(kept, (version) => version === completed);
        receiver.slice(message, slices[0] ?? new Uint8Array());
        return;
      case "point-end":
        if (message.timeline !== options.timeline()) return;
        keep(receiver.end(message));
        return;
      case "point-wanted":
        sendBack(channel, message.version);
        return;
      default:
        throw new ProtocolError(`a buddy does not take "${message.type}"`);
    }
  };

  return {
    isDue(version) {
      const every = options.everySteps();
      return shards > 1 && every > 0 && !underWay && version - newest >= every;
    },
    cut(state, combiner) {
      add(copyState(state, combiner));
      tell();
    },
    complete(version) {
      underWay = false;
      if (version !== undefined) {
        completed = version;
        keepOnly(own, (one) => one >= version);
        keepOnly(kept, (one) => one >= version);
      }
      const again = begunAt;
      begunAt = undefined;
      if (again && again.version === newest) add(again);
    },
    obtain(version, onAnswer) {
      link.forget();
      const point = own.get(version);
      if (point) onAnswer(point);
      else link.fetch(version, onAnswer);
    },
    forget: () => link.forget(),
    begin(version, point) {
      link.forget();
      link.keep(undefined);
      receiver.startOver();
      completed = point && version;
      keepOnly(own, (one) => one === completed);
      keepOnly(kept, (one) => one === completed);
      newest = version;
      underWay = false;
      if (point) own.set(version, point);
      begunAt = point;
      tell();
    },
    tell,
    buddyAt: (address) => {
      if (shards > 1) link.moveTo(address);
    },
    fromOwner(channel) {
      owner = channel;
      receiver.startOver();
      return (message, slices) => {
        if (owner === channel) take(message, slices, channel);
      };
    },
    stop: () => link.stop(),
  };
}
