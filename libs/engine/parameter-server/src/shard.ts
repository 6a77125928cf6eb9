import type { Arithmetic } from "@latentweave/arithmetic";
import { clipScale, createOptimiser, learningRateAt, type Optimiser } from "@latentweave/optim";
import { createLayout, ownership, type ParameterLayout } from "@latentweave/parameters";
import { planStep, type RunSpec, type StepPlan, totalSteps } from "@latentweave/plan";
import {
  type Channel,
  type Clock,
  closeCodes,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
} from "@latentweave/protocol";
import { applyUpdate } from "./apply-update.ts";
import { streamCheckpoint } from "./checkpoint-stream.ts";
import { type CombineRule, createCombineRule } from "./combine-rule.ts";
import { createStepDecision, needsProducts, type StepDecision } from "./leader.ts";
import { createOwnedState, type OwnedSlice, type OwnedState } from "./owned-state.ts";
import { type BlockProducts, blockProducts } from "./products.ts";
import { decodeProducts, encodeProducts } from "./products-codec.ts";
import { createRelatedness, type Relatedness } from "./relatedness.ts";
import { createStepReduction, type StepReduction } from "./step-reduction.ts";
import { createSubscribers, type Subscribers } from "./subscribers.ts";

/** Commits that the leader makes before the coordinator has acknowledged the oldest of them. */
const mostUnackedCommits = 64;

export interface ShardOptions {
  readonly runId: string;
  readonly index: number;
  readonly shards: number;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  /** Opens the channel to the leader; called once, by followers. */
  readonly dialLeader: (address: string) => Promise<Channel>;
  readonly identity: {
    readonly host: string;
    readonly pid: number;
    readonly software: string;
    readonly port: number;
  };
  readonly residentBytes: () => number;
  readonly log: (text: string) => void;
}

/**
 * One parameter-server shard: owns its blocks of parameters and optimiser state; shard 0 leads.
 *
 * Invariants:
 * 1. At most one step is in progress; its number is the version of the weights it is computed on.
 * 2. Weights change only in `commit`, which runs once per step and only on a `decide` of the leader.
 * 3. Nothing of version n+1 is sent before that.
 * 4. What arrives for another step is dropped and counted: identity is (run, step, round, task, node, slice).
 */
export interface Shard {
  /** The channel to the coordinator; the shard says hello on it. */
  join(channel: Channel): void;
  /** A worker's or another shard's channel. */
  accept(channel: Channel): void;
  /** Resolves when the coordinator has ended the run; rejects when this shard cannot go on. */
  readonly ended: Promise<string>;
}

interface Training {
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly optimiser: Optimiser;
  readonly combine: CombineRule;
  readonly relatedness: Relatedness | undefined;
  readonly state: OwnedState;
  readonly subscribers: Subscribers;
  step: StepInProgress | undefined;
}

interface StepInProgress {
  readonly plan: StepPlan;
  readonly reduction: StepReduction;
  /** Leader only. */
  readonly decision: StepDecision | undefined;
  readonly startedMs: number;
  /** Set when this shard's gradient slices were complete and reported. */
  reportedMs: number | undefined;
}

export function createShard(options: ShardOptions): Shard {
  const { runId, index, arithmetic, clock, log } = options;
  const leads = index === 0;
  let coordinator: Channel | undefined;
  let leader: Channel | undefined;
  const followers = new Map<number, Channel>();
  let training: Training | undefined;
  let spec: RunSpec | undefined;
  let unackedCommits = 0;
  let duplicates = 0;
  let receivedBytes = 0;
  let published:
    { step: number; versions: Map<OwnedSlice, number>; copies: Map<OwnedSlice, Uint8Array> } | undefined;
  let over = false;
  let pendingMembers: MessageOf<"members"> | undefined;
  let end: (reason: string) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const ended = new Promise<string>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  const scratch = arithmetic.allocate(65_536);

  const breakDown = (error: unknown): void => {
    if (over) return;
    over = true;
    const message = error instanceof Error ? error.message : String(error);
    coordinator?.send({
      type: "failed",
      runId,
      run: true,
      message: `parameter-server shard ${index}: ${message}`,
    });
    fail(error);
  };

  /** Runs a handler of one message; what a peer got wrong closes that peer's channel, what we got wrong ends the shard. */
  const handling = (
    channel: Channel,
    handle: (message: Message, slices: readonly Uint8Array[]) => void,
  ): void => {
    channel.onMessage((message, slices) => {
      if (message.runId !== runId) {
        channel.close(closeCodes.wrongRun, `this is run ${runId}, not ${message.runId}`);
        return;
      }
      try {
        handle(message, slices);
      } catch (error) {
        if (error instanceof ProtocolError)
          channel.close(closeCodes.protocolError, error.message.slice(0, 120));
        else breakDown(error);
      }
    });
  };

  const prepare = (runSpec: RunSpec): Training => {
    const layout = createLayout(runSpec.groups);
    const owned = ownership(layout, options.shards)[index] ?? [];
    const optimiser = createOptimiser(runSpec.optimiser);
    const state = createOwnedState(arithmetic, layout, owned, optimiser.stateNames, runSpec.seed);
    const subscribers = createSubscribers({
      runId,
      index,
      layout,
      published: () =>
        published && {
          step: published.step,
          slices: state.slices,
          versionOf: (slice) => published?.versions.get(slice) ?? 0,
          bytesOf: (slice) => copyOf(slice),
        },
    });
    const copyOf = (slice: OwnedSlice): Uint8Array => {
      let copy = published?.copies.get(slice);
      if (!copy) {
        copy = state.copy(slice, "parameters");
        published?.copies.set(slice, copy);
      }
      return copy;
    };
    return {
      spec: runSpec,
      layout,
      optimiser,
      combine: createCombineRule(runSpec, arithmetic),
      relatedness: createRelatedness(runSpec, layout, arithmetic),
      state,
      subscribers,
      step: undefined,
    };
  };

  const publish = (changed: readonly OwnedSlice[]): void => {
    const now = training as Training;
    const before = published;
    published = {
      step: now.state.version,
      versions: new Map(before?.versions ?? now.state.slices.map((slice) => [slice, now.state.version])),
      copies: new Map(before?.copies ?? []),
    };
    for (const slice of changed) {
      published.versions.set(slice, now.state.version);
      published.copies.delete(slice);
    }
    now.subscribers.publish();
  };

  const openStep = (step: number): void => {
    const now = training as Training;
    const { layout, combine } = now;
    const plan = planStep(now.spec, step);
    const owned = now.state.slices;
    const reduction = createStepReduction({ arithmetic, spec: now.spec, layout, owned, leader: leads, plan });
    const decision = leads
      ? createStepDecision({ spec: now.spec, layout, plan, shards: options.shards, combine, clipScale })
      : undefined;
    now.step = { plan, reduction, decision, startedMs: clock.nowMs(), reportedMs: undefined };
    reportIfReduced();
  };

  /** When every gradient slice is here: products if asked for, and word to the leader. Then the leader may decide. */
  const reportIfReduced = (): void => {
    const now = training as Training;
    const step = now.step;
    if (!step) return;
    const updates = step.plan.rounds.some((round) => round.update);
    if (step.reportedMs === undefined && updates && step.reduction.gradientsComplete()) {
      step.reportedMs = clock.nowMs();
      const finite = step.reduction.tasks.every((task) =>
        task.slices.every(({ slice, reducer }) => arithmetic.allFinite(reducer.result(), slice.numbers)),
      );
      const products = needsProducts(now.spec, now.combine)
        ? blockProducts(arithmetic, now.spec, step.reduction)
        : [];
      if (leads) step.decision?.reduced(0, finite, products);
      else sendReduced(step.plan, finite, products);
    }
    if (leads) decideIfComplete();
  };

  const sendReduced = (plan: StepPlan, finite: boolean, products: readonly BlockProducts[]): void => {
    const { blocks, bytes } = encodeProducts(products);
    leader?.send(
      { type: "reduced", runId, step: plan.step, round: plan.rounds.length - 1, index, finite, blocks },
      blocks.length > 0 ? [bytes] : [],
    );
  };

  const decideIfComplete = (): void => {
    const now = training as Training;
    const step = now.step;
    if (!step?.decision || unackedCommits >= mostUnackedCommits) return;
    if (!step.reduction.metricsComplete()) return;
    const records = step.reduction.records();
    const gradientRound = step.plan.rounds.find((round) => round.program === "gradient")?.index;
    const losses = now.spec.tasks.map((task) => {
      const record =
        records.find((entry) => entry.task === task.name && entry.round === gradientRound) ??
        records.find((entry) => entry.task === task.name);
      return record ? (record.metrics.loss ?? Number.NaN) / record.samples : 0;
    });
    const verdict = step.decision.verdict(losses);
    if (verdict.kind === "waiting") return;
    if (verdict.kind === "refused") {
      breakDown(
        new Error(
          `step ${step.plan.step} cannot be committed: ${verdict.reason}; a smaller learning rate, clipNorm or cleaner data usually mends it`,
        ),
      );
      return;
    }
    const { checkpoint, last } = step.plan;
    const { weights, scale, gradientNorm } = verdict;
    const decide: MessageOf<"decide"> = {
      type: "decide",
      runId,
      step: step.plan.step,
      round: step.plan.rounds.length - 1,
      weights: [...weights],
      scale,
      abandon: false,
      checkpoint,
      last,
    };
    for (const channel of followers.values()) channel.send(decide);
    const dropped = step.reduction.duplicates + duplicates;
    duplicates = 0;
    const startedMs = step.startedMs;
    unackedCommits += 1;
    const updates = step.plan.rounds.some((round) => round.update);
    const learningRate = updates ? rateAt(now.spec, step.plan) : 0;
    const decidedMs = clock.nowMs();
    // The record goes out before the weights do: whoever sees version n+1 can rely on the commit having been told.
    coordinator?.send({
      type: "committed",
      runId,
      step: step.plan.step,
      version: step.plan.step + (updates ? 1 : 0),
      tasks: records,
      learningRate,
      gradientNorm,
      duplicates: dropped,
      timings: {
        gather: (step.reportedMs ?? decidedMs) - startedMs,
        decide: decidedMs - (step.reportedMs ?? decidedMs),
      },
      last,
    });
    commit(decide);
  };

  const rateAt = (runSpec: RunSpec, plan: StepPlan): number => {
    const phaseSteps = runSpec.phases[plan.phase]?.steps ?? totalSteps(runSpec);
    return learningRateAt(
      runSpec.schedule,
      runSpec.optimiser.learningRate,
      plan.phaseStep,
      phaseSteps,
      arithmetic,
    );
  };

  /** Invariant 2: the only place where weights change. */
  const commit = (decide: MessageOf<"decide">): void => {
    const now = training as Training;
    const step = now.step;
    if (!step || decide.step !== step.plan.step)
      throw new ProtocolError(`decision on step ${decide.step} while step ${step?.plan.step} is in progress`);
    if (decide.abandon) {
      stopHere(decide);
      return;
    }
    const startedMs = clock.nowMs();
    let changed: OwnedSlice[] = [];
    if (step.plan.rounds.some((round) => round.update)) {
      changed = applyUpdate({
        arithmetic,
        spec: now.spec,
        layout: now.layout,
        plan: step.plan,
        state: now.state,
        reduction: step.reduction,
        optimiser: now.optimiser,
        relatedness: now.relatedness,
        decision: { weights: decide.weights, scale: decide.scale, learningRate: rateAt(now.spec, step.plan) },
        scratch,
      });
    }
    step.reduction.release();
    const appliedMs = clock.nowMs();
    now.step = undefined;
    if (!decide.last) publish(changed);
    coordinator?.send({
      type: "shard-report",
      runId,
      index,
      step: decide.step,
      timings: { update: appliedMs - startedMs, publish: clock.nowMs() - appliedMs },
      receivedBytes,
      sentBytes: now.subscribers.sentBytes,
      residentBytes: options.residentBytes(),
    });
    if (decide.checkpoint) sendCheckpoint();
    if (!decide.last) openStep(decide.step + 1);
  };

  const stopHere = (decide: MessageOf<"decide">): void => {
    const now = training as Training;
    now.step?.reduction.release();
    now.step = undefined;
    if (decide.checkpoint) sendCheckpoint();
  };

  const sendCheckpoint = (): void => {
    if (!coordinator || !training) return;
    streamCheckpoint({ runId, index, channel: coordinator, state: training.state }).catch(breakDown);
  };

  const fromCoordinator = (channel: Channel, message: Message, slices: readonly Uint8Array[]): void => {
    switch (message.type) {
      case "welcome":
        spec = JSON.parse(message.spec) as RunSpec;
        training ??= prepare(spec);
        return;
      case "restore": {
        const bytes = slices[0];
        if (!training || !bytes) throw new ProtocolError("restore before welcome, or without its bytes");
        training.state.restore(message.section, message.slice, bytes);
        return;
      }
      case "begin":
        begin(message).catch(breakDown);
        return;
      case "members":
        pendingMembers = message;
        takeMembers();
        return;
      case "committed-ack":
        unackedCommits -= 1;
        decideIfComplete();
        return;
      case "stop":
        abandonStep(message.reason);
        return;
      case "finish":
        over = true;
        training?.subscribers.closeAll();
        for (const follower of followers.values()) follower.close(closeCodes.done, "the run is over");
        leader?.close(closeCodes.done, "the run is over");
        channel.close(closeCodes.done, "the run is over");
        end(message.reason);
        return;
      default:
        throw new ProtocolError(`a shard does not take "${message.type}" from the coordinator`);
    }
  };

  const takeMembers = (): void => {
    if (!pendingMembers || !training) return;
    const { quorumId, workers } = pendingMembers;
    training.subscribers.setMembers(
      quorumId,
      new Map(workers.map(({ workerId, tasks }) => [workerId, tasks])),
    );
  };

  const begin = async (message: MessageOf<"begin">): Promise<void> => {
    if (!training) throw new ProtocolError("begin before welcome");
    training.state.setVersion(message.step);
    if (!leads) {
      if (message.leader === undefined) throw new ProtocolError("a follower needs the leader's address");
      leader = await options.dialLeader(message.leader);
      handling(leader, fromLeader);
      leader.onClose((_, reason) => {
        if (!over) breakDown(new Error(`lost the leader shard: ${reason}`));
      });
      leader.send({ type: "attach-shard", runId, protocol: protocolVersion, index });
    }
    log(`shard ${index} ready at version ${message.step}`);
    coordinator?.send({ type: "ready", runId, index, step: message.step });
    publish([]);
    openStep(message.step);
  };

  const abandonStep = (reason: string): void => {
    const now = training as Training;
    if (!leads) throw new ProtocolError("only the leader is asked to stop");
    const version = now.state.version;
    const decide: MessageOf<"decide"> = {
      type: "decide",
      runId,
      step: now.step?.plan.step ?? version,
      round: 0,
      weights: [],
      scale: 1,
      abandon: true,
      checkpoint: true,
      last: true,
    };
    for (const channel of followers.values()) channel.send(decide);
    coordinator?.send({ type: "stopped", runId, version, reason });
    stopHere(decide);
  };

  const fromLeader = (message: Message): void => {
    if (message.type !== "decide")
      throw new ProtocolError(`a follower does not take "${message.type}" from the leader`);
    commit(message);
  };

  const fromFollower = (follower: number, message: Message, slices: readonly Uint8Array[]): void => {
    if (message.type !== "reduced") throw new ProtocolError(`the leader does not take "${message.type}"`);
    const now = training as Training;
    if (!now.step?.decision || message.step !== now.step.plan.step)
      throw new ProtocolError(
        `report on step ${message.step} while step ${now.step?.plan.step} is in progress`,
      );
    now.step.decision.reduced(
      follower,
      message.finite,
      decodeProducts(message.blocks, slices[0], now.spec.tasks.length),
    );
    decideIfComplete();
  };

  const fromWorker = (workerId: string, message: Message, slices: readonly Uint8Array[]): void => {
    if (message.type !== "push")
      throw new ProtocolError(`a shard does not take "${message.type}" from a worker`);
    if (!training) throw new ProtocolError("push before the run has begun");
    receivedBytes += slices.reduce((sum, part) => sum + part.byteLength, 0);
    const step = training.step;
    const fenced = !training.subscribers.isMember(workerId);
    if (!step || fenced || message.step < step.plan.step) {
      duplicates += 1;
      return;
    }
    if (message.step > step.plan.step)
      throw new ProtocolError(`push for step ${message.step} while step ${step.plan.step} is in progress`);
    step.reduction.accept(message, slices, workerId);
    reportIfReduced();
  };

  return {
    join(channel) {
      coordinator = channel;
      handling(channel, (message, slices) => fromCoordinator(channel, message, slices));
      channel.onClose((_, reason) => {
        if (!over) breakDown(new Error(`lost the coordinator: ${reason}`));
      });
      const { host, pid, software, port } = options.identity;
      channel.send({
        type: "hello",
        runId,
        protocol: protocolVersion,
        role: "shard",
        id: `shard-${index}`,
        host,
        pid,
        software,
        listening: { index, port },
      });
    },
    accept(channel) {
      let handle: ((message: Message, slices: readonly Uint8Array[]) => void) | undefined;
      handling(channel, (message, slices) => {
        if (handle) {
          handle(message, slices);
          return;
        }
        if (message.type !== "attach" && message.type !== "attach-shard")
          throw new ProtocolError(`a connection begins with "attach", not "${message.type}"`);
        if (message.protocol !== protocolVersion) {
          channel.close(
            closeCodes.wrongVersion,
            `protocol ${message.protocol}, this side speaks ${protocolVersion}`,
          );
          return;
        }
        if (message.type === "attach-shard") {
          followers.set(message.index, channel);
          handle = (next, bytes) => fromFollower(message.index, next, bytes);
          return;
        }
        const { workerId } = message;
        handle = (next, bytes) => fromWorker(workerId, next, bytes);
        channel.onClose(() => training?.subscribers.detach(workerId, channel));
        training?.subscribers.attach(workerId, channel);
      });
    },
    ended,
  };
}
