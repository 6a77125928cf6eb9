import { createLayout } from "@latentweave/parameters";
import { isOrdered, keepsBits, lastStep, totalSteps } from "@latentweave/plan";
import type { Channel, MessageOf } from "@latentweave/protocol";
import {
  type CommitPoint,
  createHistory,
  type RunEvent,
  type RunSnapshot,
  type StreamMessage,
} from "@latentweave/telemetry";
import { createAcknowledging } from "./acknowledging.ts";
import { createBestCheckpoint } from "./best-checkpoint.ts";
import { combinerOf } from "./checkpoint-meta.ts";
import { createCheckpointPlaces } from "./checkpoint-places.ts";
import { createCheckpointing } from "./checkpointing.ts";
import { recordCommit, tellDeal, tellGivenUp, tellGuard, tellPauses } from "./commit-log.ts";
import type { CoordinatorOptions, Outcome } from "./coordinator-options.ts";
import { createEnding } from "./ending.ts";
import { createGathering } from "./gathering.ts";
import { listenTo, type MessageHandler } from "./greeting.ts";
import { isOver, type Life, lifeAfter, type LifeEvent, type Over } from "./life.ts";
import { createLateSlots } from "./late-slots.ts";
import { createMembership } from "./membership.ts";
import { createProgress } from "./progress.ts";
import { createQuorum } from "./quorum.ts";
import { createRefusedCheckpoint } from "./refused-checkpoint.ts";
import { createRunLog } from "./run-log.ts";
import { reasonOf, type RunFacts, runSnapshot, stateRecord } from "./run-record.ts";
import { createTrust } from "./trust.ts";
import { createShardPeers } from "./shard-peers.ts";
import type { Holding } from "./starting-point.ts";

/** Steps between looks at the measured speeds. */
const rebalanceEverySteps = 25;
/**
 * Between two quorums, for each worker: a tenth of a millisecond is what one more worker costs all processes of a quorum
 * together, so a fleet of hundreds spends a part of its time on itself, not all of it. Fewer than ten wait for nothing.
 */
const restMsPerWorker = 0.1;
const historyPoints = 2_000;
/** Shards dial again within a second or two, unless they have to be started again as well. */
const stopPatienceMs = 10_000;

/**
 * Owns a run: who takes part, what each computes, what was committed. Sees neither gradients nor weights, but for
 * checkpoints passing through.
 *
 * Invariants:
 * 1. `quorumId` rises with every change of members or leases; shards hear of it before workers do.
 * 2. A worker gets leases only after its canary matched the run's.
 * 3. Leases of one quorum cover every slot of every task exactly once.
 * 4. The run ends once: finished after the last commit and checkpoint, interrupted after the checkpoint of a stop, or failed.
 */
export interface Coordinator {
  /** Writes run.json. Before anybody is let in, so that no later coordinator has the same generation. */
  save(): Promise<void>;
  accept(channel: Channel): void;
  /** Stops after a checkpoint; a second call, or no parameter server to make one, stops at once. */
  stop(reason: string): void;
  fail(reason: string): void;
  /** Something about the process around it that people should know. */
  event(level: RunEvent["level"], text: string): void;
  snapshot(): RunSnapshot;
  history(): readonly CommitPoint[];
  subscribe(listener: (message: StreamMessage) => void): () => void;
  /** Workers that count now. */
  activeWorkers(): number;
  readonly ended: Promise<Outcome>;
}

export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { runId, spec, store, clock, balance = true } = options;
  const layout = createLayout(spec.groups);
  const startedAtMs = options.succeeds?.startedAtMs ?? options.wallMs();
  const log = createRunLog({
    store,
    wallMs: options.wallMs,
    onFailed: (error) => fail(textOf(error)),
  });
  const history = createHistory(historyPoints);
  for (const point of options.past ?? []) history.add(point);
  const progress = createProgress(
    spec,
    Math.min(store.ledgerEnd.nextStep, totalSteps(spec)),
    options.past ?? [],
    combinerOf(options.resume),
  );
  let life: Life = { state: "starting" };
  /** Why to stop as soon as the parameter server is here, which has more than the last checkpoint. */
  let stopping = options.succeeds?.stopping;
  let hasStarted = false;
  let end: (outcome: Outcome) => void = () => undefined;
  const ended = new Promise<Outcome>((resolve) => {
    end = resolve;
  });

  // --- the life of the run ------------------------------------------------------------------------------------------

  const facts = (): RunFacts => ({ options, life, startedAtMs, progress, durable: ending.durable });

  const snapshot = (): RunSnapshot =>
    runSnapshot(facts(), {
      quorumId: quorum.quorumId,
      parameters: layout.parameters,
      members: membership.everyone(),
      events: log.events,
    });

  const writeState = (): Promise<void> =>
    store.writeState(stateRecord(facts(), membership.runClass, membership.quarantined));
  const save = (): void => {
    writeState().catch((error: unknown) => fail(textOf(error)));
  };

  const apply = (event: LifeEvent): void => {
    const before = life;
    life = lifeAfter(life, event);
    if (life.state === before.state) return;
    save();
    log.tell({ kind: "snapshot", snapshot: snapshot() });
    if (isOver(life)) finish(life);
  };

  const fail = (reason: string): void => apply({ kind: "fail", reason });

  const progressed = (): void => {
    // A run must not end in the middle of a roll-back: the record would lack what the roll-back makes void.
    const { durable, isDurable } = ending;
    if (durable && !shards.goingBack)
      apply({ kind: "durable", version: durable.version, complete: isDurable });
  };

  /** Invariant 4: reached once, since a life that is over does not change. */
  const finish = (over: Over): void => {
    membership.close();
    gathering.close();
    shards.close();
    const reason = reasonOf(over);
    log.event(
      over.state === "failed" ? "error" : "info",
      reason === null ? over.state : `${over.state}: ${reason}`,
    );
    const message = { type: "finish", runId, reason: reason ?? "all steps are committed" } as const;
    for (const member of membership.everyone()) member.channel?.send(message);
    for (const channel of shards.channels()) channel.send(message);
    const outcome: Outcome = {
      state: over.state,
      version: progress.version,
      hash: over.state === "failed" ? null : (ending.durable?.hash ?? null),
      reason,
    };
    const close = (): void => end(outcome);
    // What is whole is finished; the rest is of a run that has failed, or was told of twice.
    checkpointing
      .idle()
      .then(() => checkpointing.close())
      .then(close, close);
  };

  // --- the parameter server -----------------------------------------------------------------------------------------

  const checkpointing = createCheckpointing({
    store,
    shards: options.shards,
    sections: ["parameters", ...options.optimiserSections],
    probe: options.probe,
    onFinished(version, hash) {
      ending.written({ version, hash });
      log.event("info", `checkpoint of step ${version} written, hash ${hash.slice(0, 16)}`);
      save();
      progressed();
    },
    onRefused: (version, error) => refusedCheckpoint.take(version, error),
  });

  const ending = createEnding({
    ...{ runId, spec, checkpointing, shards: () => shards },
    ...{ resume: options.resume, nextStep: store.ledgerEnd.nextStep },
  });

  const places = createCheckpointPlaces({
    ...{ runId, spec, layout, store, checkpointing, shards: options.shards },
    sections: ["parameters", ...options.optimiserSections],
    version: () => progress.version,
    ready: () => shards.ready(),
  });

  const best = createBestCheckpoint({ spec, store, log });

  const refusedCheckpoint = createRefusedCheckpoint({
    clock,
    log,
    isOver: () => isOver(life),
    isLast: ending.isLast,
    askForLast: ending.ask,
    onFailed: fail,
  });

  const welcomeFor = (channel: Channel, addresses: string[]): MessageOf<"welcome"> => ({
    type: "welcome",
    runId,
    generation: options.generation,
    runKey: options.runKey,
    spec: options.specText,
    shards: addresses,
    data: options.dataLocation(channel.local),
    ...(options.profile && { profile: options.profile.clocks() }),
  });

  const shards = createShardPeers({
    runId,
    shards: options.shards,
    layout,
    store,
    reordered: isOrdered(spec) || !keepsBits(spec),
    clock,
    profile: options.profile,
    checkpointing,
    shardAddress: options.shardAddress,
    welcomeFor: (channel) => welcomeFor(channel, []),
    isOver: () => isOver(life),
    onEvent: log.event,
    onShardReady(channel, index) {
      quorum.tellShard(channel);
      places.shardReady(channel, index);
    },
    onComplete: (leader) => shardsComplete(leader),
    onBeginAnew(version, source) {
      places.startOver();
      progress.goTo(version);
      history.cutTo(version);
      refusedCheckpoint.startOver();
      ending.beginAnew(version, source);
      // A checkpoint of the last step leaves nothing to do.
      if (ending.isCommitted) progressed();
    },
    onBack() {
      // A successor that has not met all of them yet knows no address of the others.
      if (!shards.begun) return;
      for (const member of membership.everyone()) {
        const { channel } = member;
        channel?.send({ type: "shards", runId, addresses: shards.addressesFor(channel) });
      }
      for (const channel of shards.channels())
        channel.send({ type: "shards", runId, addresses: shards.addressesFor(channel) });
    },
    onCommitted: (message) => takeCommit(message),
    onSettled({ timeline, version, digest }) {
      if (digest !== "") store.appendVersion({ timeline, version, digest });
    },
    onLate(message) {
      if (balance) lateSlots.take(message);
    },
    onSuspect: (message) => trust.accused(message),
    onUnfit: (message) => trust.unfit(message),
    onCheckpointLost({ version, attempt }) {
      checkpointing.lost(version, attempt);
      ending.ask();
    },
    onStopped(message) {
      ending.stopped(message);
      apply({ kind: "stopped", version: message.version, reason: message.reason });
      progressed();
    },
    onFailed: fail,
  });

  const shardsComplete = (leader: Holding): void => {
    const heading = ending.shardsHere(leader);
    if (!hasStarted) {
      hasStarted = true;
      log.event("info", `parameter server ready: ${options.shards} shard${options.shards === 1 ? "" : "s"}`);
      if (!keepsBits(spec))
        log.event(
          "warning",
          "the job has given the same bits up (compression.sameBits: false): another cluster comes to other weights; every micro-batch is applied exactly once all the same",
        );
      // What it holds beyond that it tells now, commit by commit.
      if (leader) progress.goTo(Math.min(heading, store.ledgerEnd.nextStep));
      apply({ kind: "shards-ready" });
      membership.welcomeAll();
      if (stopping !== undefined) apply({ kind: "stop", reason: stopping });
    } else log.event("info", "the parameter server is whole again");
    if (leader && (leader.over || leader.version > lastStep(spec))) takeOver(leader);
    else if (ending.isCommitted) ending.headsForLast();
    // Whoever gave the word to stop was lost with whoever knew of it; a shard that has heard it makes no further step.
    else if (life.state !== "stopping" && shards.stoppedBy(lastStep(spec)))
      apply({ kind: "stop", reason: "asked to stop" });
    // Whoever has stopped already may have been lost with its word: its successor knows nothing of it, and goes on.
    if (life.state === "stopping") tellToStop(life.reason);
    ending.ask();
  };

  /** The leader has made its last step already: the coordinator before this one may have heard of it. */
  const takeOver = (leader: NonNullable<Holding>): void => {
    if (ending.takeOver(leader) === "stopped")
      apply({
        kind: "stopped",
        version: leader.version,
        reason: life.state === "stopping" ? life.reason : "asked to stop",
      });
    progressed();
  };

  /** A stop is not to wait for shards that do not come back. */
  const awaitShardsToStop = (reason: string): void => {
    clock.after(stopPatienceMs, () => {
      if (life.state === "starting") apply({ kind: "stop", reason });
    });
  };

  const tellToStop = (reason: string): void => shards.leader()?.send({ type: "stop", runId, reason });

  const acknowledging = createAcknowledging((timeline, step) => {
    shards.leader()?.send({ type: "committed-ack", runId, timeline, step });
  });

  const takeCommit = (message: MessageOf<"committed">): void => {
    const { step, timeline } = message;
    options.probe?.("before-record", step);
    const active = membership.active();
    const startedMs = clock.nowMs();
    const dealBefore = progress.deal;
    const point = recordCommit(
      {
        ...{ spec, store, progress, nowMs: startedMs, wallMs: options.wallMs() },
        ...{ workers: active.length, shards: options.shards },
      },
      message,
    );
    options.profile?.recorded(timeline, step, startedMs);
    ending.committed(message);
    // The leader forgets a record that is acknowledged, so it must outlive this process by then.
    store.recorded().then(
      () => {
        options.probe?.("after-record", step);
        acknowledging.recorded(timeline, step);
        // Not before its record is safe: nobody would tell it again.
        if (message.last && timeline === shards.timeline) {
          ending.recordedLast();
          progressed();
        }
      },
      (error: unknown) => fail(textOf(error)),
    );
    trust.committed(message);
    places.reached(message.version);
    if (!point) return;
    tellGivenUp(log, message);
    best.take(message);
    if (message.last && step < lastStep(spec))
      log.event("info", `the held-out loss falls no further: the run ends early, with step ${step}`);
    if (tellPauses(log, message, progress.resumed)) log.tell({ kind: "snapshot", snapshot: snapshot() });
    tellGuard(log, message);
    tellDeal(log, spec, message, dealBefore);
    history.add(point);
    membership.committed();
    log.tell({ kind: "commit", point });
    if (message.last || !balance) return;
    if (lateSlots.wereLate() || step % rebalanceEverySteps === 0) quorum.considerRebalance(active);
  };

  // --- workers ------------------------------------------------------------------------------------------------------

  const membership = createMembership({
    clock,
    store,
    profile: options.profile,
    log,
    expectedWorkers: options.expectedWorkers,
    runClass: options.runClass,
    quarantined: options.quarantined,
    welcomeFor: (channel) => (shards.begun ? welcomeFor(channel, shards.addressesFor(channel)) : undefined),
    isOver: () => isOver(life),
    onChange: (why) => gathering.changed(why),
    onFailed: fail,
  });

  const trust = createTrust({
    log,
    sameBits: keepsBits(spec),
    active: membership.active,
    fromVersion: store.ledgerEnd.nextStep,
    onDoubt(step, why) {
      quorum.form(membership.active(), "workers disagree");
      shards.goBackBefore(step, why);
    },
    onConvicted(workerId, step, why) {
      membership.quarantine(workerId);
      save();
      shards.goBackBefore(step, `worker ${workerId} is quarantined: ${why}`);
    },
    onRedo(step, leases, why) {
      quorum.form(membership.active(), "a step is computed once more", leases, true);
      shards.redo(step, why);
    },
    onBorneOut: (step, timeline) => shards.leader()?.send({ type: "pause", runId, timeline, step }),
    onFailed: fail,
  });

  const lateSlots = createLateSlots({
    runId,
    spec,
    log,
    active: membership.active,
    onSuspended(why) {
      gathering.changed(why);
      membership.askSuspended();
    },
  });

  const gathering = createGathering(
    clock,
    () => Math.floor(membership.active().length * restMsPerWorker),
    (why) => quorum.form(membership.active(), why),
  );

  const quorum = createQuorum({
    runId,
    generation: options.generation,
    spec,
    log,
    hostAggregation: options.hostAggregation ?? true,
    suspects: () => trust.suspects,
    shards: shards.channels,
    everyone: membership.everyone,
    onFormed(workers) {
      progress.pause();
      apply({ kind: "quorum", workers });
    },
  });

  const greet = (channel: Channel, hello: MessageOf<"hello">): MessageHandler => {
    if (!isOver(life))
      return hello.role === "shard" ? shards.greet(channel, hello) : membership.greet(channel, hello);
    channel.send({ type: "finish", runId, reason: `the run has ${life.state}` });
    return () => undefined;
  };

  if (stopping !== undefined) awaitShardsToStop(stopping);
  // A checkpoint of the last step leaves nothing to do.
  if (ending.isCommitted) progressed();

  return {
    save: writeState,
    accept: (channel) =>
      listenTo(channel, {
        runId,
        greet,
        onMistake: (text) => log.event("warning", text),
        onFailure: (error) => fail(textOf(error)),
      }),
    stop(reason) {
      if (life.state === "starting" && options.succeeds) {
        if (stopping === undefined) awaitShardsToStop(reason);
        stopping ??= reason;
        return;
      }
      apply({ kind: "stop", reason });
      if (life.state === "stopping") tellToStop(reason);
    },
    fail,
    event: log.event,
    snapshot,
    history: () => history.points(),
    subscribe: log.subscribe,
    activeWorkers: () => membership.active().length,
    ended,
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
