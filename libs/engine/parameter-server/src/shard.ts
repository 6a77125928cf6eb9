import { lastStep, totalSteps } from "@latentweave/plan";
import {
  type Channel,
  closeCodes,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
} from "@latentweave/protocol";
import { createCheckpointStreams } from "./checkpoint-streams.ts";
import { encodeDecision, readDecision } from "./decision-text.ts";
import { createLeaderLink } from "./leader-link.ts";
import type { OwnedState } from "./owned-state.ts";
import { afterAttach, listenTo, type MessageHandler } from "./peers.ts";
import { createRecovery } from "./recovery.ts";
import { putBack, type RecoveryPoint } from "./recovery-point.ts";
import type { ShardOptions } from "./shard-options.ts";
import { prepareRun, type ShardRun } from "./shard-run.ts";
import { subscriberOf } from "./subscribers.ts";

/**
 * One parameter-server shard: owns its blocks of parameters and optimiser state; shard 0 leads. Its steps, and the
 * invariants that they keep, are in `stepping.ts`, what they tell whom in `shard-run.ts`; this file has the connections.
 * They come and go: the coordinator, the leader and workers may each be another process than before.
 */
export interface Shard {
  /** A channel to the coordinator, the first one or another; the shard says hello on it. */
  join(channel: Channel): void;
  /** A worker's or another shard's channel. */
  accept(channel: Channel): void;
  /** Resolves when the coordinator has ended the run; rejects when this shard cannot go on. */
  readonly ended: Promise<string>;
}

export function createShard(options: ShardOptions): Shard {
  const { runId, index, spans, log } = options;
  const leads = index === 0;
  const followers = new Map<number, Channel>();
  let coordinator: Channel | undefined;
  /** The shard whose buddy this one is. */
  let owner: Channel | undefined;
  let prepared: ShardRun | undefined;
  /** In the middle of its steps; before, it waits for the coordinator's word where to begin. */
  let running = false;
  /** Workers that attached before the run was known. */
  const earlyWorkers = new Map<string, { readonly channel: Channel; readonly attach: MessageOf<"attach"> }>();
  /** What followers of a leader that has not begun say: they may have been in the middle of their steps all along. */
  let earlyWords: { readonly timeline: number; readonly take: () => void }[] = [];
  let over = false;
  let end: (reason: string) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<string>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });

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

  const prepare = (welcome: MessageOf<"welcome">): ShardRun => {
    const run = prepareRun(welcome, options, {
      ...{ leader, recovery, checkpoints },
      coordinator: () => coordinator,
      followers: () => followers.values(),
      isRunning: () => running,
      onFailed: breakDown,
    });
    for (const { channel, attach } of earlyWorkers.values()) run.attach(channel, attach);
    earlyWorkers.clear();
    return run;
  };

  const sayHeld = ({ training: { spec, state }, stepping }: ShardRun): void => {
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
  const standStill = ({ stepping, training }: ShardRun): void => {
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

  const known = (type: Message["type"]): ShardRun => {
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
        checkpoints.asked(message, running ? training.state : undefined);
        return;
      }
      case "checkpoint-place":
        checkpoints.placed(message);
        return;
      case "checkpoint-taken":
        checkpoints.taken(message);
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

  const checkpoints = createCheckpointStreams({
    ...options,
    coordinator: () => coordinator,
    onFailed: breakDown,
  });
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
      if (message.type === "offer") {
        const { subscribers, stepping } = known(message.type);
        const fenced = !running || (!relays && !subscribers.isMember(workerId));
        stepping.offered(message, { channel, fenced });
        return;
      }
      if (message.type !== "push")
        throw new ProtocolError(`a shard does not take "${message.type}" from a worker`);
      if (relays !== (message.parts !== undefined))
        throw new ProtocolError(relays ? "a relay's sum without its parts" : "only a relay's sum has parts");
      const { subscribers, stepping, received } = known(message.type);
      received(slices.reduce((sum, part) => sum + part.byteLength, 0));
      const contributors = message.parts?.map(([, , who]) => who) ?? [workerId];
      const fenced = !running || !contributors.every(subscribers.isMember);
      stepping.push(message, slices, workerId, { channel, fenced });
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
      prepared?.stepping.left(channel);
      prepared?.subscribers.detach(subscriber, channel);
      if (earlyWorkers.get(subscriber)?.channel === channel) earlyWorkers.delete(subscriber);
    });
    attachWorker(channel, message);
    return fromWorker(channel, message);
  };

  const attachWorker = (channel: Channel, attach: MessageOf<"attach">): void => {
    if (prepared) {
      prepared.attach(channel, attach);
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
      checkpoints.stop();
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
