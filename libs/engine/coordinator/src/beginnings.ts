import type { ParameterLayout } from "@latentweave/parameters";
import type { CheckpointSource, MessageOf, RunStore } from "@latentweave/protocol";
import { combinerOf } from "./checkpoint-meta.ts";
import { createRecoveryPoints } from "./recovery-points.ts";
import { sendRestore } from "./restoring.ts";
import type { ShardAddresses } from "./shard-addresses.ts";
import { heldBy, type ShardPeer } from "./shard-peer.ts";
import { fitTogether, type Holding, tellsAll } from "./starting-point.ts";

/** Where everybody begins, or has begun. */
interface Origin {
  readonly timeline: number;
  readonly from: "held" | "anew" | "point";
  /** With `anew`: the checkpoint; undefined for fresh weights. */
  readonly source: CheckpointSource | undefined;
  /** Unless from what is held. */
  readonly version: number;
  /** Shards that have been told to begin there. Once all have, steps may have been made, whether or not they said that they were ready. */
  readonly told: Set<number>;
}

/**
 * Where shards begin, and where everybody goes back to.
 *
 * Invariants:
 * 1. A run goes on from what its shards hold when all of it fits together and the ledger lacks no record that cannot be
 *    told again; else everybody goes back to the newest recovery point of which all parts are to be had, or to the
 *    newest checkpoint where that is newer.
 * 2. Going back raises the timeline, and the ledger knows before any shard does.
 * 3. After a conviction only a checkpoint from before it will do: what is in memory is dropped unseen.
 */
export interface Beginnings {
  readonly timeline: number;
  /** What is said now is of work about to become void. */
  readonly goingBack: boolean;
  /** There is a place to begin at: shards may be at work from there. */
  readonly isSettled: boolean;
  /** The shard has said what it holds. */
  takeHeld(peer: ShardPeer, held: Holding): void;
  /** A shard says which recovery points it has. */
  takePoints(message: MessageOf<"points">): void;
  /** What somebody was said to keep is there no more. */
  takeLacking(message: MessageOf<"point-lacking">): void;
  /** All shards hear which recovery point is complete: of a cut that was under way, a part may be lost. */
  tellPoint(): void;
  /** The shard's process is gone, or another has come in its place. */
  forget(index: number): void;
  /** @param convictedSince no step from there on may stay. @throws whatever keeping the record throws */
  goBack(why: string, convictedSince?: number): Promise<void>;
  /** The step in progress is computed once more. @throws whatever keeping the record throws */
  redo(step: number, why: string): Promise<void>;
}

export function createBeginnings(options: {
  readonly runId: string;
  readonly shards: number;
  readonly layout: ParameterLayout;
  readonly store: RunStore;
  /** The job's mode has an order, or it has given the same bits up: what is made again may be other than before. */
  readonly reordered: boolean;
  readonly addresses: ShardAddresses;
  /** Those that are here, by index. */
  readonly peers: () => ShardPeer[];
  /** Shards have been at work. */
  readonly begun: () => boolean;
  /** Nothing more of a checkpoint that is under way counts. */
  readonly dropCheckpoints: () => Promise<void>;
  readonly onEvent: (level: "info" | "warning", text: string) => void;
  /** The shard is in the middle of its steps, and holds what fits. */
  readonly onRunning: (peer: ShardPeer) => void;
  /** Everybody goes back to this version. `source`: the newest checkpoint, if there is one; it may be older. */
  readonly onBeginAnew: (version: number, source: CheckpointSource | undefined) => void;
  readonly onFailed: (error: unknown) => void;
}): Beginnings {
  const { runId, shards, store, addresses, peers } = options;
  let origin: Origin | undefined;
  let beginnings = 0;
  let goingBack = false;
  const points = createRecoveryPoints(shards);
  /** The newest that shards have been told to be complete. */
  let completed: number | undefined;

  const timeline = (): number => origin?.timeline ?? store.ledgerEnd.timeline;

  const sendBegin = (peer: ShardPeer, from: MessageOf<"begin">["from"], step: number): void => {
    const { index, channel } = peer;
    const combiner = from === "checkpoint" ? combinerOf(origin?.source) : undefined;
    const buddy = from === "point" ? addresses.of((index + 1) % shards, channel) : undefined;
    const leader = index === 0 ? undefined : addresses.of(0, channel);
    origin?.told.add(index);
    channel.send({
      type: "begin",
      ...{ runId, timeline: timeline(), step, from },
      ...(buddy !== undefined && { buddy }),
      ...(leader !== undefined && { leader }),
      ...(index === 0 && combiner !== undefined && { combiner }),
    });
  };

  const beginAsHeld = (peer: ShardPeer, held: NonNullable<Holding>): void => {
    if (held.running) options.onRunning(peer);
    else sendBegin(peer, "held", held.version);
  };

  const beginFromOrigin = async (peer: ShardPeer, at: Origin): Promise<void> => {
    const { source, version } = at;
    peer.ready = false;
    peer.held = undefined;
    const { index, channel } = peer;
    if (at.from === "point") {
      sendBegin(peer, "point", version);
      return;
    }
    if (source) await sendRestore({ runId, layout: options.layout, source, shards, index, channel });
    // While this one was read, everybody may have been sent elsewhere.
    if (origin !== at || !peers().includes(peer)) return;
    sendBegin(peer, source ? "checkpoint" : "initial", version);
  };

  const settle = (begin: Origin): void => {
    origin = begin;
    goingBack = false;
    completed = undefined;
  };

  const goBack = async (why: string, convictedSince?: number): Promise<void> => {
    const beginning = (beginnings += 1);
    goingBack = true;
    if (convictedSince !== undefined) points.clear();
    for (const peer of peers()) {
      peer.ready = false;
      peer.tells = false;
    }
    await options.dropCheckpoints();
    if (beginning !== beginnings) return;
    const source = await store.latestCheckpoint(convictedSince);
    if (beginning !== beginnings) return;
    const { timeline: last, nextStep } = store.ledgerEnd;
    // A copy beyond the record would leave a gap in it.
    const point = points.obtainable(source?.version ?? 0, nextStep);
    const version = point ?? source?.version ?? 0;
    const held = peers().flatMap((peer) => heldBy(peer)?.timeline ?? []);
    const begun = options.begun();
    // Whoever was told to begin in a timeline may be at work in it, out of sight.
    const isNew = nextStep !== version || held.length > 0 || begun || (origin?.told.size ?? 0) > 0;
    const next = isNew ? Math.max(last, timeline(), ...held) + 1 : last;
    if (isNew) {
      await store.appendTimeline({
        timeline: next,
        fromVersion: version,
        reason: convictedSince !== undefined ? "convicted" : begun ? "recovered" : "resumed",
        detail: why,
        ...(options.reordered && { reordered: true }),
      });
      options.onEvent(begun ? "warning" : "info", `back to ${placeName(point, source)}: ${why}`);
    }
    await store.rewindMetrics(version);
    if (beginning !== beginnings) return;
    const from = point === undefined ? "anew" : "point";
    const begin: Origin = { timeline: next, from, source, version, told: new Set() };
    settle(begin);
    if (point === undefined) points.clear();
    options.onBeginAnew(version, source);
    for (const peer of peers())
      if (peer.held !== "unasked") beginFromOrigin(peer, begin).catch(options.onFailed);
  };

  const redo = async (step: number, why: string): Promise<void> => {
    const beginning = (beginnings += 1);
    goingBack = true;
    for (const peer of peers()) peer.ready = false;
    const next = Math.max(store.ledgerEnd.timeline, timeline()) + 1;
    await store.appendTimeline({ timeline: next, fromVersion: step, reason: "redone", detail: why });
    if (beginning !== beginnings) return;
    settle({ timeline: next, from: "held", source: undefined, version: step, told: new Set() });
    points.clear();
    for (const peer of peers()) sendBegin(peer, "held", step);
  };

  const goBackSoon = (why: string): void => void goBack(why).catch(options.onFailed);

  /** All have come and said what they hold, for the first time. */
  const decide = (all: ShardPeer[]): void => {
    const holdings = all.map(heldBy);
    if (!all[0]?.tells || !fitTogether(holdings, store.ledgerEnd)) {
      const version = Math.min(...holdings.map((held) => held?.version ?? 0));
      const { nextStep } = store.ledgerEnd;
      goBackSoon(
        holdings.every((held) => held === undefined)
          ? `the record had come to step ${nextStep}`
          : `what the parameter server held (version ${version}) and the record (step ${nextStep}) do not fit together`,
      );
      return;
    }
    const { timeline: of, nextStep: version } = store.ledgerEnd;
    origin = { timeline: of, from: "held", source: undefined, version, told: new Set() };
    for (const peer of all) beginAsHeld(peer, peer.held as NonNullable<Holding>);
  };

  const tellPoint = (): void => {
    if (shards === 1) return;
    for (const { channel } of peers())
      channel.send({
        type: "point",
        ...{ runId, timeline: timeline() },
        ...(completed !== undefined && { version: completed }),
      });
  };

  return {
    get timeline() {
      return timeline();
    },
    get goingBack() {
      return goingBack;
    },
    get isSettled() {
      return origin !== undefined;
    },
    takeHeld(peer, held) {
      peer.held = held;
      peer.tells = held !== undefined && tellsAll(held, store.ledgerEnd);
      if (goingBack) return;
      if (!origin) {
        const all = peers();
        if (all.length === shards && all.every((one) => one.held !== "unasked")) decide(all);
        return;
      }
      if (held?.timeline === origin.timeline && (peer.index > 0 || peer.tells)) {
        beginAsHeld(peer, held);
        return;
      }
      if (origin.from !== "held" && origin.told.size < shards)
        beginFromOrigin(peer, origin).catch(options.onFailed);
      else
        goBackSoon(
          held === undefined
            ? `shard ${peer.index} came back without its weights`
            : `shard ${peer.index} came back with version ${held.version} of timeline ${held.timeline}`,
        );
    },
    takePoints(message) {
      points.report(message);
      const version = points.complete();
      if (version === undefined || version <= (completed ?? 0)) return;
      completed = version;
      tellPoint();
    },
    takeLacking({ index, version }) {
      points.clear();
      goBackSoon(`shard ${index} could not get its part of the recovery point of version ${version}`);
    },
    tellPoint,
    forget: points.forget,
    goBack,
    redo,
  };
}

function placeName(point: number | undefined, source: CheckpointSource | undefined): string {
  if (point !== undefined) return `the recovery point of version ${point}`;
  return source ? `the checkpoint of version ${source.version}` : "the initial weights";
}
