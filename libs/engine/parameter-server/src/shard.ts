import { lastStep, type RunSpec, totalSteps } from "@latentweave/plan";
import {
  type Channel,
  closeCodes,
  createGathered,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
  reportEveryMs,
} from "@latentweave/protocol";
import { type CheckpointStream, streamCheckpoint } from "./checkpoint-stream.ts";
import { encodeDecision, readDecision } from "./decision-text.ts";
import { createFlow, type Flow, type FlowOptions } from "./flow.ts";
import { createLeaderLink } from "./leader-link.ts";
import { afterAttach, listenTo, type MessageHandler } from "./peers.ts";
import { putBack, type RecoveryPoint } from "./recovery-point.ts";
import { createRecovery } from "./recovery.ts";
import { productRows } from "./product-rows.ts";
import { decodeProducts, encodeProducts } from "./products-codec.ts";
import type { OwnedState } from "./owned-state.ts";
import { createSettlement } from "./settlement.ts";
import type { ShardOptions } from "./shard-options.ts";
import { prepareTraining, type Training } from "./training.ts";
import { subscriberOf } from "./subscribers.ts";
import { createThinned } from "./thinned.ts";
import { blockDigests } from "./version-digest.ts";

/**
 * One parameter-server shard: owns its blocks of parameters and optimiser state; shard 0 leads. Its steps, and the
 * invariants that they keep, are in `stepping.ts`; this file connects them with the other processes. Connections come
 * and go: the coordinator, the leader and workers may each be another process than before.
 */
export interface Shard {
  /** A channel to the coordinator, the first one or another; the shard says hello on it. */
  join(channel: Channel): void;
  /** A worker's or another shard's channel. */
  accept(channel: Channel): void;
  /** Resolves when the coordinator has ended the run; rejects when this shard cannot go on. */
  readonly ended: Promise<string>;
}

/** What there is once the run is known. */
interface Prepared extends Flow {
  readonly training: Training;
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

type ShardStep = MessageOf<"shard-report">["steps"][number];

interface Follower {
  readonly index: number;
  readonly channel: Channel;
  /** Nothing has been heard on this channel before. */
  readonly first: boolean;
}

const streamName = ({ version, attempt }: { version: number; attempt: number }): string =>
  `${version}/${attempt}`;

export function createShard(options: ShardOptions): Shard {
  const { runId, index, arithmetic, spans, log } = options;
  const leads = index === 0;
  const followers = new Map<number, Channel>();
  let coordinator: Channel | undefined;
  /** The shard whose buddy this one is. */
  let owner: Channel | undefined;
  let prepared: Prepared | undefined;
  /** In the middle of its steps; before, it waits for the coordinator's word where to begin. */
  let running = false;
  /** Workers that attached before the run was known. */
  const earlyWorkers = new Map<string, { readonly channel: Channel; readonly attach: MessageOf<"attach"> }>();
  /** What followers of a leader that has not begun say: they may have been in the middle of their steps all along. */
  let earlyWords: { readonly timeline: number; readonly take: () => void }[] = [];
  let receivedBytes = 0;
  /** At the step that was reported last. */
  let reportedBytes = { received: 0, sent: 0 };
  let streamedVersion: number | undefined;
  /** By version and attempt. */
  const streams = new Map<string, CheckpointStream>();
  /** The checkpoint that was asked for last: perhaps of a version that is still to be made here. */
  let asked: MessageOf<"checkpoint"> | undefined;
  let over = false;
  let end: (reason: string) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<string>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });

  const stopStreams = (): void => {
    for (const stream of streams.values()) stream.stop();
    streams.clear();
  };

  const breakDown = (error: unknown): void => {
    if (over) return;
    over = true;
    leader.stop();
    recovery.stop();
    const message = error instanceof Error ? error.message : String(error);
    coordinator?.send({ type: "failed", runId, message });
    fail(error);
  };

  const finish = (reason: string): void => {
    over = true;
    prepared?.subscribers.closeAll();
    leader.stop();
    recovery.stop();
    for (const channel of [...followers.values(), owner, coordinator])
      channel?.close(closeCodes.done, "the run is over");
    end(reason);
  };

  // --- the run ------------------------------------------------------------------------------------------------------

  const prepare = ({ spec: text, runKey }: MessageOf<"welcome">): Prepared => {
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
      for (const channel of followers.values())
        channel.send({ type: "settled", runId, timeline, version: settled, digest: "" });
      coordinator?.send({
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

    const reports = createGathered<ShardStep>({
      clock: options.clock,
      everyMs: () => reportEveryMs(options.shards),
      tell: (steps) =>
        coordinator?.send({
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

    const steppingOptions: FlowOptions["stepping"] = {
      ...{ runId, index, shards: options.shards, training, clock: options.clock, leads },
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
        for (const channel of followers.values()) channel.send(decide);
      },
      onCommitted: (record) => coordinator?.send(record),
      onStopped(stopped) {
        reports.flush();
        coordinator?.send({ type: "stopped", runId, ...stopped });
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
      onCheckpoint() {
        // A stop may fall on a version whose checkpoint is on its way already.
        if (streamedVersion === state.version) return;
        streamedVersion = state.version;
        stream(training, asked?.version === state.version ? asked.attempt : 0);
      },
      isCutDue: (version) => recovery.isDue(version),
      onCut: (combiner) => recovery.cut(state, leads ? combiner : undefined),
      onWarning: createThinned(log),
      onLate: (step, missing) =>
        coordinator?.send({ type: "late", runId, timeline: state.timeline, step, missing: [...missing] }),
      onSuspicion: (suspicion) =>
        coordinator?.send({ type: "suspect", runId, timeline: state.timeline, ...suspicion }),
      onUnfit: (unfit) => coordinator?.send({ type: "unfit", runId, timeline: state.timeline, ...unfit }),
    };
    const timeSent = (workerId: string, channel: Channel, bytes: number): void => {
      const startedMs = options.clock.nowMs();
      const { choice } = training;
      void channel.drained().then(() => choice?.sent(workerId, bytes, options.clock.nowMs() - startedMs));
    };
    const flow = createFlow({
      ...{ runId, index, spec, stepping: steppingOptions },
      subscribers: { runId, index, layout, publication, onSent: training.choice && timeSent },
      timeline: () => state.timeline,
      followers: () => followers.values(),
      leader: () => leader.channel(),
      coordinator: () => coordinator,
      onFailed: breakDown,
    });
    const { stepping, subscribers } = flow;
    /** Followers that have been heard of in this timeline. */
    const met = new Set<number>();

    leader.onWord = (message) => {
      // What it has missed it is told when it has begun.
      if (!running) return;
      if (message.type === "decide") stepping.decided(message);
      else if (message.type === "assign") flow.assigned(message);
      else if (message.timeline === state.timeline) settle(message.version);
    };
    leader.onAttached = (channel) => {
      if (!running) return;
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
    const fromFollower: Prepared["fromFollower"] = ({ channel, index: from, first }, message, slices) => {
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
      stopStreams();
      settlement.startOver();
      met.clear();
      subscribers.startOver(timeline);
      streamedVersion = undefined;
      asked = undefined;
    };
    const tellAgain = (): void => {
      stepping.tellRecords();
      const { settled } = settlement;
      const digest = settled === undefined ? "" : settlement.digestOf(settled);
      if (settled !== undefined)
        coordinator?.send({ type: "settled", runId, timeline: state.timeline, version: settled, digest });
    };
    for (const { channel, attach } of earlyWorkers.values()) attachTo(training, subscribers, channel, attach);
    earlyWorkers.clear();
    return { ...flow, training, fromFollower, startOver, tellAgain };
  };

  const stream = ({ state }: Training, attempt: number): void => {
    if (!coordinator) return;
    const { probe } = options;
    const name = streamName({ version: state.version, attempt });
    const stream = streamCheckpoint({
      ...{ runId, index, channel: coordinator, state, attempt },
      ...(probe && { onFirstPiece: () => probe("mid-checkpoint", state.version) }),
    });
    streams.set(name, stream);
    const forget = (): void => {
      if (streams.get(name) === stream) streams.delete(name);
    };
    stream.over.then(forget, breakDown);
  };

  const sayHeld = ({ training: { spec, state }, stepping }: Prepared): void => {
    const { timeline, version } = state;
    const kept = running ? undefined : readDecision(state.readDecision()?.text);
    const keptRecords = kept?.timeline === timeline ? kept.records : [];
    const last =
      kept?.timeline === timeline && kept.decide?.last === true ? kept.decide.step : lastStep(spec);
    const isOver = running ? stepping.over : version > last;
    const isFinal = isOver || version === totalSteps(spec);
    const combiner = running ? stepping.combiner : kept?.combiner;
    coordinator?.send({
      type: "held",
      ...{ runId, index },
      ...((running || state.kept) && {
        state: {
          ...{ timeline, version, running, over: isOver },
          ...(leads && { recordsFrom: running ? stepping.recordsFrom : (keptRecords[0]?.step ?? version) }),
          // A stop may hold this very version, whose checkpoint went to a coordinator that is no more.
          ...(leads && (isFinal || running) && combiner !== undefined && { combiner }),
        },
      }),
    });
  };

  /** In place of what the leader decided last, which is void: a successor goes on with this combiner's state. */
  const keepCombiner = (
    state: OwnedState,
    { step, timeline, combiner }: Pick<MessageOf<"begin">, "step" | "timeline" | "combiner">,
  ): void =>
    state.writeDecision(step, (maxBytes) =>
      encodeDecision({ timeline, ...(combiner === undefined ? {} : { combiner }), records: [] }, maxBytes),
    );

  /** Where to begin is known; the copy to begin at may be with the buddy. */
  const takeBegin = (message: MessageOf<"begin">): void => {
    if (message.from !== "point") {
      begin(message, undefined);
      return;
    }
    const { timeline, step: version } = message;
    if (message.buddy !== undefined) recovery.buddyAt(message.buddy);
    recovery.obtain(version, (point) => {
      if (point) begin({ ...message, combiner: point.combiner }, point);
      else coordinator?.send({ type: "point-lacking", runId, timeline, index, version });
    });
  };

  /** Numbers of another version are about to take the place of those in use: nobody may get a mixture of both. */
  const standStill = ({ stepping, training }: Prepared): void => {
    running = false;
    stepping.cease();
    training.publication.cease();
    recovery.forget();
  };

  const begin = (message: MessageOf<"begin">, point: RecoveryPoint | undefined): void => {
    const { training, stepping, startOver } = known(message.type);
    const { state } = training;
    // A successor must never find weights of before in the timeline that begins.
    if (message.from !== "held") state.invalidate();
    startOver(message.timeline);
    if (leads && message.from !== "held") keepCombiner(state, message);
    if (message.from === "initial") state.reinitialise();
    else if (message.from === "checkpoint") state.setVersion(message.step);
    else if (point) putBack(state, point);
    recovery.begin(message.step, point);
    if (state.version !== message.step)
      throw new Error(`asked to begin at step ${message.step}, holding version ${state.version}`);
    running = true;
    log(`shard ${index} begins at version ${message.step} (${message.from})`);
    coordinator?.send({ type: "ready", runId, index, timeline: message.timeline, step: message.step });
    stepping.begin({ timeline: message.timeline, from: message.from, combiner: message.combiner });
    if (leads) stepping.tellRecords();
    if (message.leader !== undefined) leader.moveTo(message.leader);
    const words = earlyWords;
    earlyWords = [];
    for (const word of words)
      // It has been told of a later beginning than this one, which is on its way.
      if (word.timeline > message.timeline) earlyWords.push(word);
      else word.take();
  };

  // --- messages -----------------------------------------------------------------------------------------------------

  const known = (type: Message["type"]): Prepared => {
    if (!prepared) throw new ProtocolError(`"${type}" before "welcome"`);
    return prepared;
  };

  const fromCoordinator: MessageHandler = (message, slices) => {
    switch (message.type) {
      case "welcome":
        spans?.welcomed(message.profile);
        prepared ??= prepare(message);
        recovery.tell();
        sayHeld(prepared);
        if (leads && running) prepared.tellAgain();
        return;
      case "restore": {
        if (!slices[0]) throw new ProtocolError("restore without its bytes");
        const here = known(message.type);
        standStill(here);
        here.training.state.restore(message.section, message.slice, slices[0]);
        return;
      }
      case "begin":
        takeBegin(message);
        return;
      case "point":
        if (message.timeline === prepared?.training.state.timeline) recovery.complete(message.version);
        return;
      case "shards":
        if (message.addresses.length === options.shards)
          recovery.buddyAt(message.addresses[(index + 1) % options.shards] as string);
        if (!leads && message.addresses[0] !== undefined) leader.moveTo(message.addresses[0]);
        return;
      case "members":
        known(message.type).members(message);
        return;
      case "committed-ack":
        known(message.type).stepping.acknowledged(message.timeline, message.step);
        return;
      case "checkpoint": {
        const { training } = known(message.type);
        asked = message;
        if (!running || training.state.version !== message.version) return;
        streamedVersion = message.version;
        stream(training, message.attempt);
        return;
      }
      case "checkpoint-taken":
        streams.get(streamName(message))?.taken();
        return;
      case "stop":
        if (!leads) throw new ProtocolError("only the leader is asked to stop");
        // Before it has begun there is nothing to stop; it is told again when all are there.
        if (running) known(message.type).stepping.stop(message.reason);
        return;
      case "pause":
        known(message.type).stepping.bearOut(message.timeline, message.step);
        return;
      case "finish":
        finish(message.reason);
        return;
      default:
        throw new ProtocolError(`a shard does not take "${message.type}" from the coordinator`);
    }
  };

  const leader = createLeaderLink({ ...options, onFailed: breakDown });
  const recovery = createRecovery({
    ...options,
    everySteps: () => prepared?.training.spec.recoveryEverySteps ?? 0,
    timeline: () => prepared?.training.state.timeline ?? -1,
    onHeld: (own, kept) =>
      coordinator?.send({
        type: "points",
        ...{ runId, index, timeline: prepared?.training.state.timeline ?? 0, own, kept },
      }),
    onFailed: breakDown,
  });

  const fromWorker = (channel: Channel, attached: MessageOf<"attach">): MessageHandler => {
    const { workerId } = attached;
    const relays = attached.behind !== undefined;
    return (message, slices) => {
      if (message.type === "attach") {
        if (subscriberOf(message) !== subscriberOf(attached))
          throw new ProtocolError("a connection is one worker's, or one relay's");
        // It has been asked for a step on which this shard's weights have been overwritten there.
        attachWorker(channel, message);
        return;
      }
      if (message.type === "weights-mapped") {
        known(message.type).subscribers.mapped(subscriberOf(attached), channel);
        return;
      }
      if (message.type !== "push")
        throw new ProtocolError(`a shard does not take "${message.type}" from a worker`);
      if (relays !== (message.parts !== undefined))
        throw new ProtocolError(relays ? "a relay's sum without its parts" : "only a relay's sum has parts");
      const { subscribers, stepping } = known(message.type);
      receivedBytes += slices.reduce((sum, part) => sum + part.byteLength, 0);
      const contributors = message.parts?.map(([, , who]) => who) ?? [workerId];
      const fenced = !running || !contributors.every(subscribers.isMember);
      stepping.push(message, slices, workerId, fenced);
    };
  };

  const greet = (
    channel: Channel,
    message: MessageOf<"attach" | "attach-shard" | "attach-buddy">,
  ): MessageHandler => {
    if (message.type === "attach-buddy") {
      if (options.shards < 2 || (message.index + 1) % options.shards !== index)
        throw new ProtocolError(`shard ${index} of ${options.shards} is no buddy of shard ${message.index}`);
      owner?.close(closeCodes.replaced, "the same shard has connected again");
      owner = channel;
      return recovery.fromOwner(channel);
    }
    if (message.type === "attach-shard") {
      const follower = message.index;
      if (!leads || follower === 0 || follower >= options.shards)
        throw new ProtocolError(`shard ${index} of ${options.shards} does not lead shard ${follower}`);
      const before = followers.get(follower);
      followers.set(follower, channel);
      before?.close(closeCodes.replaced, "the same shard has connected again");
      channel.onClose(() => {
        if (followers.get(follower) === channel) followers.delete(follower);
      });
      let first = true;
      return (word, slices) => {
        if (word.type !== "applied" && word.type !== "reduced" && word.type !== "lacking")
          throw new ProtocolError(`the leader does not take "${word.type}"`);
        const from = { index: follower, channel, first };
        first = false;
        const take = (bytes: readonly Uint8Array[]): void => {
          if (followers.get(follower) === channel) prepared?.fromFollower(from, word, bytes);
        };
        // A follower may have been told of a timeline before its leader was.
        if (running && prepared && word.timeline <= prepared.training.state.timeline) take(slices);
        else {
          const own = slices.map((slice) => slice.slice());
          earlyWords.push({ timeline: word.timeline, take: () => take(own) });
        }
      };
    }
    const subscriber = subscriberOf(message);
    channel.onClose(() => {
      prepared?.subscribers.detach(subscriber, channel);
      if (earlyWorkers.get(subscriber)?.channel === channel) earlyWorkers.delete(subscriber);
    });
    attachWorker(channel, message);
    return fromWorker(channel, message);
  };

  /** A worker of this host hears first where the weights lie. */
  const attachTo = (
    { spec, state, rounder }: Training,
    subscribers: Prepared["subscribers"],
    channel: Channel,
    attach: MessageOf<"attach">,
  ): void => {
    const { place } = state;
    // In modes with an order workers compute on versions that are no more; what is rounded is not what the memory holds.
    const isReadInPlace = spec.mode === undefined && !rounder;
    if (place && channel.local && attach.behind === undefined && isReadInPlace)
      channel.send({
        ...{ type: "weights", runId, index, file: place.file, writingAt: place.writingAt },
        slices: place.slices.map(({ at: [even, odd], ...slice }) => ({
          ...slice,
          at: [even, odd] as [number, number],
        })),
      });
    subscribers.attach(channel, attach);
  };

  const attachWorker = (channel: Channel, attach: MessageOf<"attach">): void => {
    if (prepared) {
      attachTo(prepared.training, prepared.subscribers, channel, attach);
      return;
    }
    const subscriber = subscriberOf(attach);
    const before = earlyWorkers.get(subscriber)?.channel;
    earlyWorkers.set(subscriber, { channel, attach });
    if (before !== channel) before?.close(closeCodes.replaced, "the same worker has connected again");
  };

  return {
    join(channel) {
      coordinator = channel;
      // Over the channel before nothing will arrive any more.
      stopStreams();
      listenTo(channel, runId, fromCoordinator, breakDown);
      const { port, ...identity } = options.identity;
      channel.send({
        type: "hello",
        runId,
        protocol: protocolVersion,
        role: "shard",
        id: `shard-${index}`,
        ...identity,
        listening: { index, port },
      });
    },
    accept: (channel) =>
      listenTo(
        channel,
        runId,
        afterAttach(channel, (message) => greet(channel, message)),
        breakDown,
      ),
    ended,
  };
}
