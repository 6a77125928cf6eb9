import { lastStep, type RunSpec } from "@latentweave/plan";
import { type Channel, createGathered, type MessageOf, reportEveryMs } from "@latentweave/protocol";
import type { CheckpointStreams } from "./checkpoint-streams.ts";
import { createFlow, type Flow, type FlowOptions } from "./flow.ts";
import type { LeaderLink } from "./leader-link.ts";
import { offerPolicy } from "./offers.ts";
import { productRows } from "./product-rows.ts";
import { decodeProducts, encodeProducts } from "./products-codec.ts";
import type { Recovery } from "./recovery.ts";
import { createSettlement } from "./settlement.ts";
import type { ShardOptions } from "./shard-options.ts";
import { createThinned } from "./thinned.ts";
import { prepareTraining, type Training } from "./training.ts";
import { blockDigests } from "./version-digest.ts";

/** A shard's part in a run that is known: its steps, connected with whoever must hear of them. */
export interface ShardRun extends Flow {
  readonly training: Training;
  /** A worker of this host hears first where the weights lie. */
  readonly attach: (channel: Channel, message: MessageOf<"attach">) => void;
  /** So many bytes of gradients have come. */
  readonly received: (bytes: number) => void;
  /** Leader. */
  readonly fromFollower: (
    from: Follower,
    message: MessageOf<"applied" | "reduced" | "lacking">,
    slices: readonly Uint8Array[],
  ) => void;
  readonly startOver: (timeline: number) => void;
  /** Leader: another coordinator may be there, which lacks what the one before it had not written. */
  readonly tellAgain: () => void;
}

export interface Follower {
  readonly index: number;
  readonly channel: Channel;
  /** Nothing has been heard on this channel before. */
  readonly first: boolean;
}

/** Connections come and go: each is asked for when it is needed. */
export interface ShardSurroundings {
  readonly coordinator: () => Channel | undefined;
  readonly followers: () => Iterable<Channel>;
  readonly leader: LeaderLink;
  readonly recovery: Recovery;
  readonly checkpoints: CheckpointStreams;
  /** In the middle of its steps. */
  readonly isRunning: () => boolean;
  readonly onFailed: (error: unknown) => void;
}

type ShardStep = MessageOf<"shard-report">["steps"][number];

export function prepareRun(
  { spec: text, runKey }: Pick<MessageOf<"welcome">, "spec" | "runKey">,
  options: ShardOptions,
  { coordinator, followers, leader, recovery, checkpoints, isRunning, onFailed }: ShardSurroundings,
): ShardRun {
  const { runId, index, arithmetic, spans, log } = options;
  const leads = index === 0;
  const spec = JSON.parse(text) as RunSpec;
  const vault = options.openVault?.({ key: runKey, spec: text });
  const training = prepareTraining(spec, arithmetic, options.shards, index, vault);
  const { layout, publication, state } = training;
  const settlement = createSettlement(layout, options.shards);

  /** Every shard is known to hold this version. */
  const settle = (version: number): void => {
    publication.settle(version);
    subscribers.publish();
  };
  const takeApplied = (shard: number, version: number, digests: Uint8Array): void => {
    const settled = settlement.applied(shard, version, digests);
    if (settled === undefined) return;
    const { timeline } = state;
    for (const channel of followers())
      channel.send({ type: "settled", runId, timeline, version: settled, digest: "" });
    coordinator()?.send({
      type: "settled",
      ...{ runId, timeline, version: settled, digest: settlement.digestOf(settled) },
    });
    settle(settled);
    stepping.settled();
  };
  /** Tells the leader which version is held here; it is told again when the leader may be another process. */
  const sayApplied = (channel: Channel | undefined): void =>
    channel?.send({ type: "applied", runId, timeline: state.timeline, index, version: state.version }, [
      blockDigests(arithmetic, state),
    ]);

  let receivedBytes = 0;
  /** At the step that was reported last. */
  let reportedBytes = { received: 0, sent: 0 };
  const reports = createGathered<ShardStep>({
    clock: options.clock,
    everyMs: () => reportEveryMs(options.shards),
    tell: (steps) =>
      coordinator()?.send({
        type: "shard-report",
        ...{ runId, index, steps, receivedBytes },
        sentBytes: subscribers.sentBytes,
        residentBytes: options.residentBytes(),
        profile: spans?.take(),
      }),
  });

  const ownedNumbers = state.slices.reduce((sum, { numbers }) => sum + numbers, 0);
  let appliedMs: number | undefined;
  /** What the version was sent with, and whether the next one is sent otherwise. */
  const chooseNext = (publishMs: number): Pick<ShardStep, "codec" | "chosen"> => {
    const { choice } = training;
    if (!choice) return {};
    const nowMs = options.clock.nowMs();
    const beforeMs = appliedMs;
    appliedMs = nowMs;
    const codec = choice.codec.kind;
    const chosen =
      beforeMs === undefined ? undefined : choice.step(ownedNumbers, nowMs - beforeMs - publishMs);
    return { codec, ...(chosen !== undefined && { chosen }) };
  };

  const { offers = offerPolicy } = options;
  const steppingOptions: FlowOptions["stepping"] = {
    ...{ runId, index, shards: options.shards, training, clock: options.clock, leads, offers },
    probe: options.probe,
    spans,
    digestOf: settlement.digestOf,
    isSettled: (version) => settlement.settled !== undefined && settlement.settled >= version,
    onReduced(plan, finite, products, received, basis, odd = []) {
      const { blocks, bytes } = encodeProducts(products);
      const round = plan.rounds.length - 1;
      leader.channel()?.send(
        {
          type: "reduced",
          ...{ runId, timeline: state.timeline, step: plan.step, round, index, finite, received, blocks },
          ...(basis !== undefined && { basis }),
          ...(odd.length > 0 && { odd: [...odd] }),
        },
        blocks.length > 0 ? [bytes] : [],
      );
    },
    onDecided(decide) {
      for (const channel of followers()) channel.send(decide);
    },
    onCommitted: (record) => coordinator()?.send(record),
    onStopped(stopped) {
      reports.flush();
      coordinator()?.send({ type: "stopped", runId, ...stopped });
    },
    onPublish() {
      // Whoever is attached gets the new version before anything is computed on it here.
      const startedMs = options.clock.nowMs();
      subscribers.publish();
      const sentMs = options.clock.nowMs();
      spans?.add("broadcast", state.timeline, state.version - 1, startedMs, sentMs);
      if (leads) takeApplied(0, state.version, blockDigests(arithmetic, state));
      else sayApplied(leader.channel());
      spans?.add("digest", state.timeline, state.version - 1, sentMs, options.clock.nowMs());
    },
    onApplied(step, timings, cosine) {
      const { sentBytes } = subscribers;
      const pushedBytes = receivedBytes - reportedBytes.received;
      const broadcastBytes = sentBytes - reportedBytes.sent;
      reportedBytes = { received: receivedBytes, sent: sentBytes };
      const measured = { ...(cosine !== undefined && { cosine }), ...chooseNext(timings.publish) };
      reports.add({ step, timings, pushedBytes, broadcastBytes, ...measured });
      if (step >= lastStep(spec)) reports.flush();
    },
    onWorkersWait: (wait) => options.checkpointFiles?.workersWait(wait),
    onCheckpoint: () => checkpoints.due(state),
    isCutDue: (version) => recovery.isDue(version),
    onCut: (combiner) => recovery.cut(state, leads ? combiner : undefined),
    onWarning: createThinned(log),
    onLate: (step, missing) =>
      coordinator()?.send({ type: "late", runId, timeline: state.timeline, step, missing: [...missing] }),
    onSuspicion: (suspicion) =>
      coordinator()?.send({ type: "suspect", runId, timeline: state.timeline, ...suspicion }),
    onUnfit: (unfit) => coordinator()?.send({ type: "unfit", runId, timeline: state.timeline, ...unfit }),
  };
  const timeSent = (workerId: string, channel: Channel, bytes: number): void => {
    const startedMs = options.clock.nowMs();
    const { choice } = training;
    void channel.drained().then(() => choice?.sent(workerId, bytes, options.clock.nowMs() - startedMs));
  };
  const flow = createFlow({
    ...{ runId, index, spec, stepping: steppingOptions },
    subscribers: {
      ...{ runId, index, layout, publication, offers, onSent: training.choice && timeSent },
      dealOf: (step) => stepping.deal(step),
    },
    timeline: () => state.timeline,
    followers,
    leader: () => leader.channel(),
    coordinator,
    onFailed,
  });
  const { stepping, subscribers } = flow;
  /** Followers that have been heard of in this timeline. */
  const met = new Set<number>();

  leader.onWord = (message) => {
    // What it has missed it is told when it has begun.
    if (!isRunning()) return;
    if (message.type === "decide") stepping.decided(message);
    else if (message.type === "assign") flow.assigned(message);
    else if (message.timeline === state.timeline) settle(message.version);
  };
  leader.onAttached = (channel) => {
    if (!isRunning()) return;
    sayApplied(channel);
    stepping.reportAgain();
  };
  /** Whoever leads now may not be who has told this follower so far. */
  const bringUpToDate = (channel: Channel, version: number): void => {
    const { timeline } = state;
    for (const decide of stepping.decisionsSince(version)) channel.send(decide);
    const { settled } = settlement;
    if (settled !== undefined)
      channel.send({ type: "settled", runId, timeline, version: settled, digest: "" });
  };
  const fromFollower: ShardRun["fromFollower"] = ({ channel, index: from, first }, message, slices) => {
    if (message.timeline !== state.timeline) return;
    if (message.type === "applied") {
      takeApplied(from, message.version, (slices[0] ?? new Uint8Array()).slice());
      if (first) bringUpToDate(channel, message.version);
      if (first || !met.has(from)) flow.bringUpToDate(channel);
      met.add(from);
    } else if (message.type === "lacking") flow.lacking(message);
    else stepping.reduced(message, decodeProducts(message.blocks, slices[0], productRows(spec).count));
  };
  const startOver = (timeline: number): void => {
    state.setTimeline(timeline);
    checkpoints.startOver();
    settlement.startOver();
    met.clear();
    subscribers.startOver(timeline);
  };
  const tellAgain = (): void => {
    stepping.tellRecords();
    const { settled } = settlement;
    const digest = settled === undefined ? "" : settlement.digestOf(settled);
    if (settled !== undefined)
      coordinator()?.send({ type: "settled", runId, timeline: state.timeline, version: settled, digest });
  };
  const attach = (channel: Channel, message: MessageOf<"attach">): void => {
    const { place } = state;
    // In modes with an order workers compute on versions that are no more; what is rounded is not what the memory holds.
    const isReadInPlace = spec.mode === undefined && !training.rounder;
    if (place && channel.local && message.behind === undefined && isReadInPlace)
      channel.send({
        ...{ type: "weights", runId, index, file: place.file, writingAt: place.writingAt },
        slices: place.slices.map(({ at: [even, odd], ...slice }) => ({
          ...slice,
          at: [even, odd] as [number, number],
        })),
      });
    subscribers.attach(channel, message);
  };
  return {
    ...{ ...flow, training, attach, fromFollower, startOver, tellAgain },
    received(bytes) {
      receivedBytes += bytes;
    },
  };
}
