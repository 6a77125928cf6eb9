import type { RunSpec } from "@latentweave/plan";
import {
  type Channel,
  closeCodes,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
} from "@latentweave/protocol";
import { streamCheckpoint } from "./checkpoint-stream.ts";
import { afterAttach, listenTo, type MessageHandler } from "./peers.ts";
import { decodeProducts, encodeProducts } from "./products-codec.ts";
import type { ShardOptions } from "./shard-options.ts";
import { createStepping, type Stepping } from "./stepping.ts";
import { createSubscribers, type Subscribers } from "./subscribers.ts";
import { prepareTraining, type Training } from "./training.ts";

/**
 * One parameter-server shard: owns its blocks of parameters and optimiser state; shard 0 leads. Its steps, and the
 * invariants that they keep, are in `stepping.ts`; this file connects them with the other processes.
 */
export interface Shard {
  /** The channel to the coordinator; the shard says hello on it. */
  join(channel: Channel): void;
  /** A worker's or another shard's channel. */
  accept(channel: Channel): void;
  /** Resolves when the coordinator has ended the run; rejects when this shard cannot go on. */
  readonly ended: Promise<string>;
}

/** What there is once the run is known. */
interface Prepared {
  readonly training: Training;
  readonly subscribers: Subscribers;
  readonly stepping: Stepping;
}

export function createShard(options: ShardOptions): Shard {
  const { runId, index, arithmetic, log } = options;
  const leads = index === 0;
  const followers = new Map<number, Channel>();
  let coordinator: Channel | undefined;
  let leader: Channel | undefined;
  let prepared: Prepared | undefined;
  /** The leader's last decision, for a follower whose word of itself is still on its way. */
  let lastWord: MessageOf<"decide"> | undefined;
  let receivedBytes = 0;
  let streamedVersion: number | undefined;
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
    const text = error instanceof Error ? error.message : String(error);
    const message = `parameter-server shard ${index}: ${text}`;
    coordinator?.send({ type: "failed", runId, run: true, message });
    fail(error);
  };

  const finish = (reason: string): void => {
    over = true;
    prepared?.subscribers.closeAll();
    for (const channel of [...followers.values(), leader, coordinator])
      channel?.close(closeCodes.done, "the run is over");
    end(reason);
  };

  // --- the run ------------------------------------------------------------------------------------------------------

  const prepare = (spec: RunSpec): Prepared => {
    const training = prepareTraining(spec, arithmetic, options.shards, index);
    const { layout, publication, state } = training;
    const subscribers = createSubscribers({ runId, index, layout, publication });
    const stepping = createStepping({
      runId,
      shards: options.shards,
      training,
      clock: options.clock,
      leads,
      onReduced(plan, finite, products) {
        const { blocks, bytes } = encodeProducts(products);
        const round = plan.rounds.length - 1;
        leader?.send(
          { type: "reduced", runId, step: plan.step, round, index, finite, blocks },
          blocks.length > 0 ? [bytes] : [],
        );
      },
      onDecided(decide) {
        if (decide.abandon) lastWord = decide;
        for (const channel of followers.values()) channel.send(decide);
      },
      onCommitted: (record) => coordinator?.send({ type: "committed", runId, ...record }),
      onStopped: (stopped) => coordinator?.send({ type: "stopped", runId, ...stopped }),
      onPublish: () => subscribers.publish(),
      onApplied: (step, timings) =>
        coordinator?.send({
          type: "shard-report",
          runId,
          index,
          step,
          timings,
          receivedBytes,
          sentBytes: subscribers.sentBytes,
          residentBytes: options.residentBytes(),
        }),
      onCheckpoint() {
        // A stop may fall on a version whose checkpoint is on its way already.
        if (!coordinator || streamedVersion === state.version) return;
        streamedVersion = state.version;
        streamCheckpoint({ runId, index, channel: coordinator, state }).catch(breakDown);
      },
      onRefused: breakDown,
    });
    return { training, subscribers, stepping };
  };

  const begin = async ({ training, stepping }: Prepared, message: MessageOf<"begin">): Promise<void> => {
    training.state.setVersion(message.step);
    if (!leads) await joinLeader(message.leader);
    log(`shard ${index} ready at version ${message.step}`);
    coordinator?.send({ type: "ready", runId, index, step: message.step });
    stepping.begin(message.step, message.restore ? { combiner: message.combiner } : undefined);
  };

  const joinLeader = async (address: string | undefined): Promise<void> => {
    if (address === undefined) throw new ProtocolError("a follower needs the leader's address");
    const channel = await options.dialLeader(address);
    leader = channel;
    listenTo(channel, runId, fromLeader, breakDown);
    channel.onClose((_, reason) => {
      if (!over) breakDown(new Error(`lost the leader shard: ${reason}`));
    });
    channel.send({ type: "attach-shard", runId, protocol: protocolVersion, index });
  };

  // --- messages -----------------------------------------------------------------------------------------------------

  const afterWelcome = (type: Message["type"]): Prepared => {
    if (!prepared) throw new ProtocolError(`"${type}" before "welcome"`);
    return prepared;
  };

  const fromCoordinator: MessageHandler = (message, slices) => {
    switch (message.type) {
      case "welcome":
        prepared ??= prepare(JSON.parse(message.spec) as RunSpec);
        return;
      case "restore":
        if (!slices[0]) throw new ProtocolError("restore without its bytes");
        afterWelcome(message.type).training.state.restore(message.section, message.slice, slices[0]);
        return;
      case "begin":
        begin(afterWelcome(message.type), message).catch(breakDown);
        return;
      case "members":
        afterWelcome(message.type).subscribers.setMembers(
          message.quorumId,
          new Map(message.workers.map(({ workerId, tasks }) => [workerId, tasks])),
        );
        return;
      case "committed-ack":
        afterWelcome(message.type).stepping.acknowledged();
        return;
      case "stop":
        if (!leads) throw new ProtocolError("only the leader is asked to stop");
        afterWelcome(message.type).stepping.stop(message.reason);
        return;
      case "finish":
        finish(message.reason);
        return;
      default:
        throw new ProtocolError(`a shard does not take "${message.type}" from the coordinator`);
    }
  };

  const fromLeader: MessageHandler = (message) => {
    if (message.type !== "decide")
      throw new ProtocolError(`a follower does not take "${message.type}" from the leader`);
    afterWelcome(message.type).stepping.commit(message);
  };

  const fromFollower =
    (follower: number): MessageHandler =>
    (message, slices) => {
      if (message.type !== "reduced") throw new ProtocolError(`the leader does not take "${message.type}"`);
      const { training, stepping } = afterWelcome(message.type);
      const products = decodeProducts(message.blocks, slices[0], training.spec.tasks.length);
      stepping.reduced(follower, message.step, message.finite, products);
    };

  const fromWorker =
    (workerId: string): MessageHandler =>
    (message, slices) => {
      if (message.type !== "push")
        throw new ProtocolError(`a shard does not take "${message.type}" from a worker`);
      const { subscribers, stepping } = afterWelcome(message.type);
      receivedBytes += slices.reduce((sum, part) => sum + part.byteLength, 0);
      stepping.push(message, slices, workerId, !subscribers.isMember(workerId));
    };

  const greet = (channel: Channel, message: MessageOf<"attach" | "attach-shard">): MessageHandler => {
    if (message.type === "attach-shard") {
      if (!leads || message.index === 0 || message.index >= options.shards)
        throw new ProtocolError(`shard ${index} of ${options.shards} does not lead shard ${message.index}`);
      followers.set(message.index, channel);
      if (lastWord) channel.send(lastWord);
      return fromFollower(message.index);
    }
    const { workerId } = message;
    channel.onClose(() => prepared?.subscribers.detach(workerId, channel));
    prepared?.subscribers.attach(workerId, channel);
    return fromWorker(workerId);
  };

  return {
    join(channel) {
      coordinator = channel;
      listenTo(channel, runId, fromCoordinator, breakDown);
      channel.onClose((_, reason) => {
        if (!over) breakDown(new Error(`lost the coordinator: ${reason}`));
      });
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
