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
import { createBeginnings } from "./beginnings.ts";
import type { Checkpointing } from "./checkpointing.ts";
import { createShardAddresses } from "./shard-addresses.ts";
import { countsWhole, heldBy, shardPeer, type ShardPeer } from "./shard-peer.ts";
import type { Holding } from "./starting-point.ts";

/**
 * The parameter server as the coordinator sees it: who is there, and what it reports.
 *
 * Invariants (beginnings.ts has more):
 * 1. What a shard says of its weights counts only once it is ready in this timeline.
 * 2. Of a checkpoint's stream that began before its shard was ready nothing counts.
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
  const addresses = createShardAddresses(options.shardAddress);
  const graces = new Map<number, () => void>();
  let begun = false;
  /** Of each shard, since something was committed. */
  const giveUps = new Map<number, number>();
  const inOrder = (): ShardPeer[] => [...peers.values()].sort((a, b) => a.index - b.index);
  const complete = (): boolean => peers.size === options.shards && inOrder().every(({ ready }) => ready);
  const failed = (error: unknown): void =>
    options.onFailed(error instanceof Error ? error.message : String(error));
  const isCurrent = (of: number): boolean => of === beginnings.timeline && !beginnings.goingBack;

  const becomeReady = (peer: ShardPeer): void => {
    peer.ready = true;
    peer.tells = true;
    options.onShardReady(peer.channel, peer.index);
    if (!complete() || !beginnings.isSettled) return;
    begun = true;
    // Those in the middle of their steps know where the leader was before, and nobody knows where its buddy is.
    for (const { channel } of inOrder())
      if (options.shards > 1) channel.send({ type: "shards", runId, addresses: addresses.all(channel) });
    beginnings.tellPoint();
    const leader = peers.get(0);
    options.onComplete(leader && heldBy(leader));
  };

  const beginnings = createBeginnings({
    ...{ runId, shards: options.shards, layout: options.layout, store, reordered: options.reordered },
    ...{ addresses, peers: inOrder, begun: () => begun },
    dropCheckpoints: () => options.checkpointing.startOver(),
    onEvent: options.onEvent,
    onRunning(peer) {
      becomeReady(peer);
      for (const missed of peer.over) options.onCheckpointLost(missed);
      peer.over = [];
    },
    onBeginAnew: options.onBeginAnew,
    onFailed: failed,
  });
  const goBack = (why: string, convictedSince?: number): void =>
    void beginnings.goBack(why, convictedSince).catch(failed);

  // --- messages -----------------------------------------------------------------------------------------------------

  const take = (peer: ShardPeer, message: Message, slices: readonly Uint8Array[]): void => {
    const { index } = peer;
    switch (message.type) {
      case "held":
        if (!options.isOver()) beginnings.takeHeld(peer, message.state);
        return;
      case "ready":
        if (!isCurrent(message.timeline)) return;
        // Streams of before it began have ended; the same version may come again, and counts.
        peer.missed.clear();
        peer.over = [];
        becomeReady(peer);
        return;
      case "committed":
        // A leader that goes on tells what the ledger may lack before anything else.
        if (!isCurrent(message.timeline) || !peer.tells) return;
        giveUps.clear();
        options.onCommitted(message);
        return;
      case "settled":
        if (isCurrent(message.timeline)) options.onSettled(message);
        return;
      case "late":
        if (isCurrent(message.timeline)) options.onLate(message);
        return;
      case "suspect":
        if (isCurrent(message.timeline)) options.onSuspect(message);
        return;
      case "unfit":
        if (isCurrent(message.timeline)) options.onUnfit(message);
        return;
      case "orphaned":
        if (isCurrent(message.timeline) && peer.ready)
          goBack(`gradients of step ${message.step} that shard ${index} lacks are with nobody any more`);
        return;
      case "stopped":
        if (peer.ready) options.onStopped(message);
        return;
      case "points":
        if (isCurrent(message.timeline)) beginnings.takePoints(message);
        return;
      case "point-lacking":
        if (isCurrent(message.timeline)) beginnings.takeLacking(message);
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
    beginnings.forget(index);
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
      return beginnings.timeline;
    },
    get begun() {
      return begun;
    },
    get complete() {
      return complete();
    },
    get goingBack() {
      return beginnings.goingBack;
    },
    greet(channel, hello) {
      const { listening } = hello;
      if (!listening || listening.index >= options.shards)
        throw new ProtocolError(`this run has shards 0 to ${options.shards - 1}`);
      const { index, port } = listening;
      const before = peers.get(index);
      const peer = shardPeer(index, channel, hello.pid);
      peers.set(index, peer);
      beginnings.forget(index);
      if (before) {
        options.checkpointing.drop().catch(failed);
        before.channel.close(closeCodes.replaced, "the same shard has connected again");
      }
      graces.get(index)?.();
      graces.delete(index);
      const isBack = addresses.learn(index, port);
      channel.onClose((code, why) => {
        if (peers.get(index) === peer) lost(peer, why || `connection closed (${code})`);
      });
      channel.send(options.welcomeFor(channel));
      if (isBack) options.onBack();
      return (message, slices) => {
        if (peers.get(index) === peer) take(peer, message, slices);
      };
    },
    addressesFor: addresses.all,
    goBackBefore: (step, why) => goBack(why, step),
    redo: (step, why) => void beginnings.redo(step, why).catch(failed),
    leader: () => peers.get(0)?.channel,
    get newestCame() {
      return Math.max(-1, ...inOrder().map((peer) => heldBy(peer)?.version ?? -1));
    },
    stoppedBy: (version) =>
      inOrder().some((peer) => {
        const held = heldBy(peer);
        return held !== undefined && held.over && held.version <= version;
      }),
    channels: () => inOrder().map(({ channel }) => channel),
    ready: () => inOrder().flatMap(({ ready, index, channel }) => (ready ? [[index, channel] as const] : [])),
    close() {
      for (const cancel of graces.values()) cancel();
      graces.clear();
    },
  };
}
