import type { ParameterLayout } from "@latentweave/parameters";
import {
  type Channel,
  type CheckpointSource,
  type Clock,
  closeCodes,
  type Message,
  type MessageOf,
  ProtocolError,
  type RunStore,
} from "@latentweave/protocol";
import type { ProfileSink } from "./coordinator-options.ts";
import { combinerOf } from "./checkpoint-meta.ts";
import type { Checkpointing } from "./checkpointing.ts";
import { createRecoveryPoints } from "./recovery-points.ts";
import { sendRestore } from "./restoring.ts";
import { fitTogether, type Holding, tellsAll } from "./starting-point.ts";

interface ShardPeer {
  readonly index: number;
  readonly channel: Channel;
  readonly pid: number;
  /** "unasked" until it has said what it holds. */
  held: Holding | "unasked";
  /** Leader: the records that it tells follow what the ledger has. */
  tells: boolean;
  ready: boolean;
  /** Checkpoints of which a part came before it was ready. */
  readonly missed: Set<string>;
  /** Those that had ended by then, and will not be sent again of themselves. */
  over: MessageOf<"checkpoint-end">[];
}

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
 * The parameter server as the coordinator sees it: who is there, where it begins, what it reports.
 *
 * Invariants:
 * 1. A run goes on from what its shards hold when all of it fits together and the ledger lacks no record that cannot be
 *    told again; else everybody goes back to the newest recovery point of which all parts are to be had, or to the
 *    newest checkpoint where that is newer.
 * 2. Going back raises the timeline, and the ledger knows before any shard does.
 * 3. After a conviction only a checkpoint from before it will do: what is in memory is dropped unseen.
 * 4. What a shard says of its weights counts only once it is ready in this timeline.
 */
export interface ShardPeers {
  readonly timeline: number;
  /** All have been here and held the weights: their addresses are known. */
  readonly begun: boolean;
  /** All are here and hold the weights. */
  readonly complete: boolean;
  /** What was done last is about to become void. */
  readonly goingBack: boolean;
  /** @returns what takes the shard's further messages. @throws ProtocolError when this run has no such shard. */
  greet(
    channel: Channel,
    hello: MessageOf<"hello">,
  ): (message: Message, slices: readonly Uint8Array[]) => void;
  /** In order of their index, as this peer reaches them. */
  addressesFor(peer: Channel): string[];
  /** Everybody goes back to before `step`, for what was computed since must not stay. */
  goBackBefore(step: number, why: string): void;
  /** The step in progress is computed once more. */
  redo(step: number, why: string): void;
  leader(): Channel | undefined;
  /** The newest version that any shard held when it came, −1 where all began anew: what it sent of it may have gone elsewhere. */
  readonly newestCame: number;
  /** A shard had stopped at this version or an older one when it came. */
  stoppedBy(version: number): boolean;
  channels(): Channel[];
  /** Of those that are in the middle of their steps, by index. */
  ready(): readonly (readonly [index: number, channel: Channel])[];
  close(): void;
}

/** A lost shard may take this long to come back, on this host or another one. */
const graceMs = 120_000;
/** A shard that gives up so often with nothing committed between will not do better. */
const mostGiveUps = 3;

export function createShardPeers(options: {
  readonly runId: string;
  readonly shards: number;
  readonly layout: ParameterLayout;
  readonly store: RunStore;
  /** The job's mode has an order, or it has given the same bits up: what is made again may be other than before. */
  readonly reordered: boolean;
  readonly clock: Clock;
  readonly profile: ProfileSink | undefined;
  readonly checkpointing: Checkpointing;
  readonly shardAddress: (index: number, port: number, local: boolean) => string;
  readonly welcomeFor: (channel: Channel) => MessageOf<"welcome">;
  readonly isOver: () => boolean;
  readonly onEvent: (level: "info" | "warning" | "error", text: string) => void;
  /** A shard begins or goes on: it knows of no members. */
  readonly onShardReady: (channel: Channel, index: number) => void;
  /** All are ready; again after each loss. `leader`: what it held when it said so. */
  readonly onComplete: (leader: Holding) => void;
  /** Everybody goes back to this version. `source`: the newest checkpoint, if there is one; it may be older. */
  readonly onBeginAnew: (version: number, source: CheckpointSource | undefined) => void;
  /** A shard is there again, where it was or elsewhere. */
  readonly onBack: () => void;
  readonly onCommitted: (message: MessageOf<"committed">) => void;
  readonly onSettled: (message: MessageOf<"settled">) => void;
  readonly onLate: (message: MessageOf<"late">) => void;
  readonly onSuspect: (message: MessageOf<"suspect">) => void;
  readonly onUnfit: (message: MessageOf<"unfit">) => void;
  readonly onStopped: (message: MessageOf<"stopped">) => void;
  /** What a shard sent of it does not count, though the shard does. */
  readonly onCheckpointLost: (message: MessageOf<"checkpoint-end">) => void;
  readonly onFailed: (reason: string) => void;
}): ShardPeers {
  const { runId, store } = options;
  const peers = new Map<number, ShardPeer>();
  const ports = new Map<number, number>();
  const graces = new Map<number, () => void>();
  let origin: Origin | undefined;
  let beginnings = 0;
  let begun = false;
  /** What is said now is of work about to become void. */
  let goingBack = false;
  /** Of each shard, since something was committed. */
  const giveUps = new Map<number, number>();
  const points = createRecoveryPoints(options.shards);
  /** The newest that shards have been told to be complete. */
  let completed: number | undefined;

  const timeline = (): number => origin?.timeline ?? store.ledgerEnd.timeline;
  const inOrder = (): ShardPeer[] => [...peers.values()].sort((a, b) => a.index - b.index);
  const complete = (): boolean => peers.size === options.shards && inOrder().every(({ ready }) => ready);
  const failed = (error: unknown): void =>
    options.onFailed(error instanceof Error ? error.message : String(error));
  const leaderAddress = (local: boolean): string => options.shardAddress(0, ports.get(0) ?? 0, local);

  const addressesFor = (peer: Channel): string[] =>
    [...ports.entries()]
      .sort(([a], [b]) => a - b)
      .map(([index, port]) => options.shardAddress(index, port, peer.local));

  // --- where it begins ----------------------------------------------------------------------------------------------

  const sendBegin = (peer: ShardPeer, from: MessageOf<"begin">["from"], step: number): void => {
    const { index, channel } = peer;
    const combiner = from === "checkpoint" ? combinerOf(origin?.source) : undefined;
    const buddy = (index + 1) % options.shards;
    const buddyPort = ports.get(buddy);
    origin?.told.add(index);
    channel.send({
      type: "begin",
      ...{ runId, timeline: timeline(), step, from },
      ...(from === "point" &&
        buddyPort !== undefined && { buddy: options.shardAddress(buddy, buddyPort, channel.local) }),
      ...(index === 0 ? combiner !== undefined && { combiner } : { leader: leaderAddress(channel.local) }),
    });
  };

  const beginAsHeld = (peer: ShardPeer, held: NonNullable<Holding>): void => {
    if (!held.running) {
      sendBegin(peer, "held", held.version);
      return;
    }
    becomeReady(peer);
    for (const missed of peer.over) options.onCheckpointLost(missed);
    peer.over = [];
  };

  const beginFromOrigin = async (peer: ShardPeer, at: Origin): Promise<void> => {
    const { source, version } = at;
    peer.ready = false;
    peer.held = undefined;
    const { index, channel } = peer;
    const { layout, shards } = options;
    if (at.from === "point") {
      sendBegin(peer, "point", version);
      return;
    }
    if (source) await sendRestore({ runId, layout, source, shards, index, channel });
    // While this one was read, everybody may have been sent elsewhere.
    if (origin !== at || peers.get(index) !== peer) return;
    sendBegin(peer, source ? "checkpoint" : "initial", version);
  };

  const goBack = async (why: string, convictedSince?: number): Promise<void> => {
    const beginning = (beginnings += 1);
    goingBack = true;
    if (convictedSince !== undefined) points.clear();
    for (const peer of peers.values()) {
      peer.ready = false;
      peer.tells = false;
    }
    await options.checkpointing.startOver();
    if (beginning !== beginnings) return;
    const source = await store.latestCheckpoint(convictedSince);
    if (beginning !== beginnings) return;
    const { timeline: last, nextStep } = store.ledgerEnd;
    // A copy beyond the record would leave a gap in it.
    const point = points.obtainable(source?.version ?? 0, nextStep);
    const version = point ?? source?.version ?? 0;
    const held = [...peers.values()].flatMap((peer) =>
      peer.held === undefined || peer.held === "unasked" ? [] : [peer.held.timeline],
    );
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
    origin = begin;
    goingBack = false;
    completed = undefined;
    if (point === undefined) points.clear();
    options.onBeginAnew(version, source);
    for (const peer of inOrder()) if (peer.held !== "unasked") beginFromOrigin(peer, begin).catch(failed);
  };

  const redo = async (step: number, why: string): Promise<void> => {
    const beginning = (beginnings += 1);
    goingBack = true;
    for (const peer of peers.values()) peer.ready = false;
    const next = Math.max(store.ledgerEnd.timeline, timeline()) + 1;
    await store.appendTimeline({ timeline: next, fromVersion: step, reason: "redone", detail: why });
    if (beginning !== beginnings) return;
    origin = { timeline: next, from: "held", source: undefined, version: step, told: new Set() };
    goingBack = false;
    completed = undefined;
    points.clear();
    for (const peer of inOrder()) sendBegin(peer, "held", step);
  };

  const decide = (): void => {
    const all = inOrder();
    const holdings = all.map(({ held }) => (held === "unasked" ? undefined : held));
    if (!all[0]?.tells || !fitTogether(holdings, store.ledgerEnd)) {
      const version = Math.min(...holdings.map((held) => held?.version ?? 0));
      const { nextStep } = store.ledgerEnd;
      goBack(
        holdings.every((held) => held === undefined)
          ? `the record had come to step ${nextStep}`
          : `what the parameter server held (version ${version}) and the record (step ${nextStep}) do not fit together`,
      ).catch(failed);
      return;
    }
    const { timeline: of, nextStep: version } = store.ledgerEnd;
    origin = { timeline: of, from: "held", source: undefined, version, told: new Set() };
    for (const peer of all) beginAsHeld(peer, peer.held as NonNullable<Holding>);
  };

  const takeHeld = (peer: ShardPeer, held: Holding): void => {
    if (options.isOver()) return;
    peer.held = held;
    peer.tells = held !== undefined && tellsAll(held, store.ledgerEnd);
    if (goingBack) return;
    if (!origin) {
      const all = inOrder();
      if (all.length === options.shards && all.every((one) => one.held !== "unasked")) decide();
      return;
    }
    if (held?.timeline === origin.timeline && (peer.index > 0 || peer.tells)) {
      beginAsHeld(peer, held);
      return;
    }
    if (origin.from !== "held" && origin.told.size < options.shards)
      beginFromOrigin(peer, origin).catch(failed);
    else
      goBack(
        held === undefined
          ? `shard ${peer.index} came back without its weights`
          : `shard ${peer.index} came back with version ${held.version} of timeline ${held.timeline}`,
      ).catch(failed);
  };

  const tellPoint = (): void => {
    if (options.shards === 1) return;
    for (const { channel } of peers.values())
      channel.send({
        type: "point",
        ...{ runId, timeline: timeline() },
        ...(completed !== undefined && { version: completed }),
      });
  };

  const takePoints = (message: MessageOf<"points">): void => {
    if (message.timeline !== timeline() || goingBack) return;
    points.report(message);
    const version = points.complete();
    if (version === undefined || version <= (completed ?? 0)) return;
    completed = version;
    tellPoint();
  };

  /** What somebody was said to keep is there no more. */
  const takeLacking = ({ index, version }: MessageOf<"point-lacking">): void => {
    points.clear();
    goBack(`shard ${index} could not get its part of the recovery point of version ${version}`).catch(failed);
  };

  const becomeReady = (peer: ShardPeer): void => {
    peer.ready = true;
    peer.tells = true;
    options.onShardReady(peer.channel, peer.index);
    if (!complete() || !origin) return;
    begun = true;
    // Those in the middle of their steps know where the leader was before, and nobody knows where its buddy is.
    for (const { channel } of inOrder())
      if (options.shards > 1) channel.send({ type: "shards", runId, addresses: addressesFor(channel) });
    // Of a cut that was under way, a part may be lost.
    tellPoint();
    const leader = peers.get(0)?.held;
    options.onComplete(leader === "unasked" ? undefined : leader);
  };

  // --- messages -----------------------------------------------------------------------------------------------------

  /** Of a stream that began before its shard was ready nothing counts. */
  const countsWhole = (
    { ready, missed }: ShardPeer,
    { version, attempt }: { readonly version: number; readonly attempt: number },
  ): boolean => {
    if (!ready) missed.add(`${version} ${attempt}`);
    return !missed.has(`${version} ${attempt}`);
  };

  const take = (peer: ShardPeer, message: Message, slices: readonly Uint8Array[]): void => {
    const { index } = peer;
    switch (message.type) {
      case "held":
        takeHeld(peer, message.state);
        return;
      case "ready":
        if (message.timeline !== timeline() || goingBack) return;
        // Streams of before it began have ended; the same version may come again, and counts.
        peer.missed.clear();
        peer.over = [];
        becomeReady(peer);
        return;
      case "committed":
        // A leader that goes on tells what the ledger may lack before anything else.
        if (message.timeline !== timeline() || goingBack || !peer.tells) return;
        giveUps.clear();
        options.onCommitted(message);
        return;
      case "settled":
        if (message.timeline === timeline() && !goingBack) options.onSettled(message);
        return;
      case "late":
        if (message.timeline === timeline() && !goingBack) options.onLate(message);
        return;
      case "suspect":
        if (message.timeline === timeline() && !goingBack) options.onSuspect(message);
        return;
      case "unfit":
        if (message.timeline === timeline() && !goingBack) options.onUnfit(message);
        return;
      case "orphaned":
        if (message.timeline === timeline() && !goingBack && peer.ready)
          goBack(
            `gradients of step ${message.step} that shard ${index} lacks are with nobody any more`,
          ).catch(failed);
        return;
      case "stopped":
        if (peer.ready) options.onStopped(message);
        return;
      case "points":
        takePoints(message);
        return;
      case "point-lacking":
        if (message.timeline === timeline() && !goingBack) takeLacking(message);
        return;
      case "checkpoint-slice":
        takePiece(peer, message, slices[0] ?? new Uint8Array());
        return;
      case "checkpoint-end":
        if (countsWhole(peer, message)) options.checkpointing.end(message);
        else if (peer.ready) options.onCheckpointLost(message);
        else peer.over.push(message);
        return;
      case "shard-report":
        for (const { step, chosen } of message.steps)
          if (chosen !== undefined)
            options.onEvent(
              "info",
              `shard ${index} broadcasts with another codec after step ${step}: ${chosen}`,
            );
        for (const { step, timings, ...measured } of message.steps)
          store.appendMetric("workers", {
            ...{ process: `shard-${index}`, step, ...timings, ...measured },
            residentBytes: message.residentBytes,
          });
        options.profile?.take(`shard-${index}`, message.profile);
        return;
      case "failed":
        takeGiveUp(index, message.message);
        return;
      default:
        throw new ProtocolError(`the coordinator does not take "${message.type}" from a shard`);
    }
  };

  /** The shard sends no more than a few pieces ahead of those that are put away, or of no use. */
  const takePiece = (peer: ShardPeer, message: MessageOf<"checkpoint-slice">, bytes: Uint8Array): void => {
    const { version, attempt } = message;
    const taken = (): void =>
      peer.channel.send({ type: "checkpoint-taken", runId: options.runId, version, attempt });
    if (countsWhole(peer, message)) options.checkpointing.slice(message, bytes, taken);
    else taken();
  };

  /** Its successor finds what it held, and may fare better: something of this process, or of its host, may be to blame. */
  const takeGiveUp = (index: number, message: string): void => {
    const times = (giveUps.get(index) ?? 0) + 1;
    giveUps.set(index, times);
    const what = `parameter-server shard ${index} gave up`;
    options.onEvent("error", `${what}: ${message}`);
    if (times >= mostGiveUps)
      options.onFailed(`${what} ${times} times in a row and nothing was committed between: ${message}`);
  };

  const lost = (peer: ShardPeer, why: string): void => {
    const { index, pid } = peer;
    peers.delete(index);
    points.forget(index);
    if (options.isOver()) return;
    const text = `parameter-server shard ${index} (process ${pid}) was lost`;
    options.onEvent("warning", `${text}: ${why}`);
    // What it was sending will never be whole.
    options.checkpointing.drop().catch(failed);
    graces.get(index)?.();
    graces.set(
      index,
      options.clock.after(graceMs, () =>
        options.onFailed(
          `${text} and did not come back within ${graceMs / 1000} s; \`--resume\` goes on from the last checkpoint`,
        ),
      ),
    );
  };

  return {
    get timeline() {
      return timeline();
    },
    get begun() {
      return begun;
    },
    get complete() {
      return complete();
    },
    get goingBack() {
      return goingBack;
    },
    greet(channel, hello) {
      const { listening } = hello;
      if (!listening || listening.index >= options.shards)
        throw new ProtocolError(`this run has shards 0 to ${options.shards - 1}`);
      const { index, port } = listening;
      const before = peers.get(index);
      const peer: ShardPeer = {
        index,
        channel,
        pid: hello.pid,
        held: "unasked",
        tells: false,
        ready: false,
        missed: new Set(),
        over: [],
      };
      peers.set(index, peer);
      points.forget(index);
      if (before) {
        options.checkpointing.drop().catch(failed);
        before.channel.close(closeCodes.replaced, "the same shard has connected again");
      }
      graces.get(index)?.();
      graces.delete(index);
      const isBack = ports.has(index);
      ports.set(index, port);
      channel.onClose((code, why) => {
        if (peers.get(index) === peer) lost(peer, why || `connection closed (${code})`);
      });
      channel.send(options.welcomeFor(channel));
      if (isBack) options.onBack();
      return (message, slices) => {
        if (peers.get(index) === peer) take(peer, message, slices);
      };
    },
    addressesFor,
    goBackBefore: (step, why) => void goBack(why, step).catch(failed),
    redo: (step, why) => void redo(step, why).catch(failed),
    leader: () => peers.get(0)?.channel,
    get newestCame() {
      return Math.max(-1, ...inOrder().map(cameAt));
    },
    stoppedBy: (version) =>
      inOrder().some(
        ({ held }) => held !== undefined && held !== "unasked" && held.over && held.version <= version,
      ),
    channels: () => inOrder().map(({ channel }) => channel),
    ready: () => inOrder().flatMap(({ ready, index, channel }) => (ready ? [[index, channel] as const] : [])),
    close() {
      for (const cancel of graces.values()) cancel();
      graces.clear();
    },
  };
}

function placeName(point: number | undefined, source: CheckpointSource | undefined): string {
  if (point !== undefined) return `the recovery point of version ${point}`;
  return source ? `the checkpoint of version ${source.version}` : "the initial weights";
}

function cameAt(peer: ShardPeer | undefined): number {
  const held = peer?.held;
  return held === undefined || held === "unasked" ? -1 : held.version;
}
