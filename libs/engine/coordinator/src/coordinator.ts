import { createLayout } from "@latentweave/parameters";
import { lastStep, totalSteps } from "@latentweave/plan";
import type { Channel, MessageOf } from "@latentweave/protocol";
import {
  type CommitPoint,
  createHistory,
  type RunSnapshot,
  type StreamMessage,
} from "@latentweave/telemetry";
import { checkpointMeta } from "./checkpoint-meta.ts";
import { createCheckpointing } from "./checkpointing.ts";
import { recordCommit } from "./commit-log.ts";
import type { CoordinatorOptions, Outcome } from "./coordinator-options.ts";
import { listenTo, type MessageHandler } from "./greeting.ts";
import { isOver, type Life, lifeAfter, type LifeEvent, type Over } from "./life.ts";
import { createMembership } from "./membership.ts";
import { createProgress } from "./progress.ts";
import { createQuorum } from "./quorum.ts";
import { createRunLog } from "./run-log.ts";
import { type Durable, reasonOf, type RunFacts, runSnapshot, stateRecord } from "./run-record.ts";
import { createShardPeers } from "./shard-peers.ts";

/** Steps between looks at the measured speeds. */
const rebalanceEverySteps = 25;
const historyPoints = 2_000;

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
  accept(channel: Channel): void;
  /** Stops after a checkpoint; a second call, or no parameter server to make one, stops at once. */
  stop(reason: string): void;
  fail(reason: string): void;
  snapshot(): RunSnapshot;
  history(): readonly CommitPoint[];
  subscribe(listener: (message: StreamMessage) => void): () => void;
  /** Workers that count now. */
  activeWorkers(): number;
  readonly ended: Promise<Outcome>;
}

export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { runId, spec, store, clock } = options;
  const layout = createLayout(spec.groups);
  const startedAtMs = options.wallMs();
  const log = createRunLog({
    store,
    wallMs: options.wallMs,
    onFailed: (error) => fail(textOf(error)),
  });
  const history = createHistory(historyPoints);
  const progress = createProgress(
    spec.tasks.map((task) => task.name),
    options.resume?.version ?? 0,
  );
  let life: Life = { state: "starting" };
  let durable: Durable | undefined = options.resume && {
    version: options.resume.version,
    hash: options.resume.hash ?? null,
  };
  let lastCommitted = (durable?.version ?? 0) > lastStep(spec);
  let end: (outcome: Outcome) => void = () => undefined;
  const ended = new Promise<Outcome>((resolve) => {
    end = resolve;
  });

  // --- the life of the run ------------------------------------------------------------------------------------------

  const facts = (): RunFacts => ({ options, life, startedAtMs, progress, durable });

  const snapshot = (): RunSnapshot =>
    runSnapshot(facts(), {
      quorumId: quorum.quorumId,
      parameters: layout.parameters,
      members: membership.everyone(),
      events: log.events,
    });

  const save = (): void => {
    store
      .writeState(stateRecord(facts(), membership.runClass))
      .catch((error: unknown) => fail(textOf(error)));
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
    if (durable)
      apply({
        kind: "durable",
        version: durable.version,
        complete: lastCommitted && durable.version === totalSteps(spec),
      });
  };

  /** Invariant 4: reached once, since a life that is over does not change. */
  const finish = (over: Over): void => {
    membership.close();
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
      hash: over.state === "failed" ? null : (durable?.hash ?? null),
      reason,
    };
    const closing = over.state === "failed" ? checkpointing.abandon() : checkpointing.idle();
    const close = (): void => end(outcome);
    closing.then(close, close);
  };

  // --- the parameter server -----------------------------------------------------------------------------------------

  const checkpointing = createCheckpointing({
    store,
    shards: options.shards,
    sections: ["parameters", ...options.optimiserSections],
    onFinished(version, hash) {
      durable = { version, hash };
      log.event("info", `checkpoint of step ${version} written, hash ${hash.slice(0, 16)}`);
      save();
      progressed();
    },
    onFailed: (error) => fail(`the checkpoint could not be written: ${textOf(error)}`),
  });

  /** Only what carries the combiner's state is followed by a checkpoint. */
  const announce = ({ version, combiner }: MessageOf<"committed" | "stopped">): void => {
    if (combiner !== undefined) checkpointing.announce(version, checkpointMeta(combiner));
  };

  const welcomeFor = (channel: Channel, addresses: string[]): MessageOf<"welcome"> => ({
    type: "welcome",
    runId,
    generation: options.generation,
    spec: options.specText,
    shards: addresses,
    data: options.dataLocation(channel.local),
  });

  const shards = createShardPeers({
    runId,
    shards: options.shards,
    layout,
    resume: options.resume,
    store,
    checkpointing,
    shardAddress: options.shardAddress,
    welcomeFor: (channel) => welcomeFor(channel, []),
    onReady() {
      log.event("info", `parameter server ready: ${options.shards} shard${options.shards === 1 ? "" : "s"}`);
      apply({ kind: "shards-ready" });
      membership.welcomeAll();
    },
    onCommitted: (message) => takeCommit(message),
    onStopped(message) {
      // The checkpoint of this very version may have been due, and be written already.
      if (durable?.version !== message.version) announce(message);
      apply({ kind: "stopped", version: message.version, reason: message.reason });
      progressed();
    },
    onFailed: fail,
  });

  const takeCommit = (message: MessageOf<"committed">): void => {
    const active = membership.active();
    const point = recordCommit(
      {
        ...{ spec, store, progress, nowMs: clock.nowMs(), wallMs: options.wallMs() },
        ...{ workers: active.length, shards: options.shards },
      },
      message,
    );
    history.add(point);
    membership.committed();
    announce(message);
    shards.leader()?.send({ type: "committed-ack", runId, step: message.step });
    log.tell({ kind: "commit", point });
    if (message.last) {
      lastCommitted = true;
      progressed();
    } else if (message.step % rebalanceEverySteps === 0) quorum.considerRebalance(active);
  };

  // --- workers ------------------------------------------------------------------------------------------------------

  const membership = createMembership({
    clock,
    store,
    log,
    expectedWorkers: options.expectedWorkers,
    runClass: options.runClass,
    welcomeFor: (channel) => (shards.begun ? welcomeFor(channel, shards.addressesFor(channel)) : undefined),
    isOver: () => isOver(life),
    onChange: (why) => quorum.form(membership.active(), why),
    onFailed: fail,
  });

  const quorum = createQuorum({
    runId,
    spec,
    log,
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

  // A checkpoint of the last step leaves nothing to do.
  if (lastCommitted) progressed();

  return {
    accept: (channel) =>
      listenTo(channel, {
        runId,
        greet,
        onMistake: (text) => log.event("warning", text),
        onFailure: (error) => fail(textOf(error)),
      }),
    stop(reason) {
      apply({ kind: "stop", reason });
      if (life.state === "stopping") shards.leader()?.send({ type: "stop", runId, reason });
    },
    fail,
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
