import { createLayout } from "@latentweave/parameters";
import { lastStep, planStep, type RunSpec, totalSteps } from "@latentweave/plan";
import {
  type Channel,
  type CheckpointSource,
  type Clock,
  closeCodes,
  type CloseCode,
  type Lease,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
  type RunStore,
} from "@latentweave/protocol";
import type { CommitPoint, RunEvent, RunSnapshot, RunState, StreamMessage } from "@latentweave/telemetry";
import { createHistory } from "@latentweave/telemetry";
import { admit, type RunClass } from "./admission.ts";
import { assignLeases, rebalance } from "./assign.ts";
import { createCheckpointing } from "./checkpointing.ts";
import { createMember, type Member, memberSnapshot, takeReport } from "./member.ts";
import { createProgress } from "./progress.ts";
import { sendRestore } from "./restoring.ts";

/** Between the first worker and the first step: others started with it need about as long to load their backend. */
const gatherMs = 20_000;
/** Steps between looks at the measured speeds. */
const rebalanceEverySteps = 25;
const mostEvents = 200;

export interface CoordinatorOptions {
  readonly runId: string;
  readonly spec: RunSpec;
  /** The text that every process gets; `spec` parsed from it. */
  readonly specText: string;
  readonly shards: number;
  /** The first quorum forms when this many workers are there, or `gatherMs` after the first. */
  readonly expectedWorkers: number;
  readonly generation: number;
  readonly resume: CheckpointSource | undefined;
  readonly runClass: RunClass | undefined;
  readonly optimiserSections: readonly string[];
  readonly store: RunStore;
  readonly clock: Clock;
  readonly wallMs: () => number;
  /** Address of a shard as this peer can reach it. */
  readonly shardAddress: (index: number, port: number, local: boolean) => string;
  readonly dataLocation: (local: boolean) => MessageOf<"welcome">["data"];
  /** Facts of the process for run.json: versions, who started it. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly log: (text: string) => void;
}

export interface Outcome {
  readonly state: "finished" | "interrupted" | "failed";
  readonly version: number;
  readonly hash: string | null;
  readonly reason: string | null;
}

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

interface ShardPeer {
  readonly channel: Channel;
  readonly port: number;
  ready: boolean;
}

export function createCoordinator(options: CoordinatorOptions): Coordinator {
  const { runId, spec, store, clock } = options;
  const layout = createLayout(spec.groups);
  const members = new Map<string, Member>();
  const shards = new Map<number, ShardPeer>();
  const events: RunEvent[] = [];
  const listeners = new Set<(message: StreamMessage) => void>();
  const history = createHistory(2_000);
  const startedAtMs = options.wallMs();
  const startStep = options.resume?.version ?? 0;
  const progress = createProgress(
    spec.tasks.map((task) => task.name),
    startStep,
  );
  let state: RunState = "starting";
  let reason: string | null = null;
  let hash: string | null = null;
  let hashVersion = -1;
  let quorumId = 0;
  let runClass = options.runClass;
  let begun = false;
  let gathering: (() => void) | undefined;
  let gathered = false;
  let lastCommitted = false;
  let stopRequested = false;
  let stopVersion: number | undefined;
  let warnedIdle = false;
  let end: (outcome: Outcome) => void = () => undefined;
  const ended = new Promise<Outcome>((resolve) => {
    end = resolve;
  });

  const event = (level: RunEvent["level"], text: string): void => {
    const entry: RunEvent = { atMs: options.wallMs(), level, text };
    events.push(entry);
    if (events.length > mostEvents) events.shift();
    store.appendMetric("events", { ...entry });
    for (const listener of listeners) listener({ kind: "event", event: entry });
  };

  const over = (): boolean => state === "finished" || state === "interrupted" || state === "failed";

  const setState = (next: RunState, why: string | null = null): void => {
    if (over() || state === next) return;
    state = next;
    if (why !== null) reason = why;
    saveState();
    const snapshot = snapshotNow();
    for (const listener of listeners) listener({ kind: "snapshot", snapshot });
  };

  const saveState = (): void => {
    store
      .writeState({
        ...options.facts,
        runId,
        name: spec.name,
        state,
        reason,
        version: progress.version,
        totalSteps: totalSteps(spec),
        seed: spec.seed,
        shards: options.shards,
        startedAtMs,
        generation: options.generation,
        hash,
        hashVersion,
        canary: runClass?.digest ?? null,
        determinismClass: runClass?.determinismClass ?? null,
      })
      .catch((error: unknown) => fail(textOf(error)));
  };

  const checkpointing = createCheckpointing({
    store,
    shards: options.shards,
    sections: ["parameters", ...options.optimiserSections],
    onFinished(version, parameterHash) {
      hash = parameterHash;
      hashVersion = version;
      event("info", `checkpoint of step ${version} written, hash ${parameterHash.slice(0, 16)}`);
      saveState();
      endIfComplete();
    },
    onFailed: (error) => fail(`the checkpoint could not be written: ${textOf(error)}`),
  });

  // --- the end ------------------------------------------------------------------------------------------------------

  const finishWith = (next: "finished" | "interrupted" | "failed", why: string): void => {
    if (over()) return;
    gathering?.();
    setState(next, next === "finished" ? null : why);
    event(next === "failed" ? "error" : "info", next === "finished" ? "finished" : `${next}: ${why}`);
    const message = { type: "finish", runId, reason: why } as const;
    for (const member of members.values()) member.channel?.send(message);
    for (const shard of shards.values()) shard.channel.send(message);
    const outcome = {
      state: next,
      version: progress.version,
      hash: next === "failed" ? null : hash,
      reason: next === "finished" ? null : why,
    };
    const closing = next === "failed" ? checkpointing.abandon() : checkpointing.idle();
    closing.then(
      () => end(outcome),
      () => end(outcome),
    );
  };

  const fail = (why: string): void => finishWith("failed", why);

  const endIfComplete = (): void => {
    if (lastCommitted && hashVersion === totalSteps(spec)) finishWith("finished", "all steps are committed");
    else if (stopVersion !== undefined && hashVersion === stopVersion)
      finishWith("interrupted", reason ?? "stopped");
  };

  // --- shards -------------------------------------------------------------------------------------------------------

  const greetShard = (channel: Channel, hello: MessageOf<"hello">): void => {
    const listening = hello.listening;
    if (!listening || listening.index >= options.shards)
      throw new ProtocolError(`this run has shards 0 to ${options.shards - 1}`);
    if (shards.has(listening.index)) throw new ProtocolError(`shard ${listening.index} is here already`);
    const shard: ShardPeer = { channel, port: listening.port, ready: false };
    shards.set(listening.index, shard);
    channel.onClose(() => {
      shards.delete(listening.index);
      if (!over())
        fail(
          `parameter-server shard ${listening.index} (process ${hello.pid}) was lost; \`--resume\` goes on from the last checkpoint`,
        );
    });
    channel.send(welcomeFor(channel, true));
    if (shards.size === options.shards) beginShards().catch((error: unknown) => fail(textOf(error)));
  };

  const beginShards = async (): Promise<void> => {
    const leader = shards.get(0) as ShardPeer;
    for (const [index, shard] of shards) {
      if (options.resume)
        await sendRestore({
          runId,
          layout,
          source: options.resume,
          shards: options.shards,
          index,
          channel: shard.channel,
        });
      shard.channel.send({
        type: "begin",
        runId,
        step: startStep,
        restore: options.resume !== undefined,
        ...(index === 0 ? {} : { leader: options.shardAddress(0, leader.port, shard.channel.local) }),
      });
    }
  };

  const fromShard = (index: number, message: Message, slices: readonly Uint8Array[]): void => {
    switch (message.type) {
      case "ready": {
        const shard = shards.get(index);
        if (shard) shard.ready = true;
        begun = shards.size === options.shards && [...shards.values()].every((peer) => peer.ready);
        if (begun) {
          event("info", `parameter server ready: ${options.shards} shard${options.shards === 1 ? "" : "s"}`);
          setState("waiting");
          for (const member of members.values()) welcomeWorker(member);
        }
        return;
      }
      case "committed":
        takeCommit(message);
        return;
      case "stopped":
        stopVersion = message.version;
        reason = message.reason;
        endIfComplete();
        return;
      case "checkpoint-slice":
        checkpointing.slice(message, slices[0] ?? new Uint8Array());
        return;
      case "checkpoint-end":
        checkpointing.end(message);
        return;
      case "shard-report":
        store.appendMetric("workers", {
          process: `shard-${index}`,
          step: message.step,
          ...message.timings,
          residentBytes: message.residentBytes,
        });
        return;
      case "failed":
        fail(message.message);
        return;
      default:
        throw new ProtocolError(`the coordinator does not take "${message.type}" from a shard`);
    }
  };

  const takeCommit = (message: MessageOf<"committed">): void => {
    const { runId: _, type: __, last, timings, ...commit } = message;
    const plan = planStep(spec, message.step);
    const phase = spec.phases[plan.phase]?.name ?? "";
    store.appendCommit({
      step: commit.step,
      version: commit.version,
      phase,
      tasks: commit.tasks,
      learningRate: commit.learningRate,
      gradientNorm: commit.gradientNorm,
      duplicates: commit.duplicates,
    });
    const gradientRound = plan.rounds.find((round) => round.program === "gradient")?.index;
    const point = progress.take(
      message,
      gradientRound,
      clock.nowMs(),
      options.wallMs(),
      activeMembers().length,
    );
    history.add(point);
    store.appendMetric("steps", {
      ...point,
      ...timings,
      learningRate: commit.learningRate,
      gradientNorm: commit.gradientNorm,
    });
    shards.get(0)?.channel.send({ type: "committed-ack", runId, step: message.step });
    for (const listener of listeners) listener({ kind: "commit", point });
    if (message.step % rebalanceEverySteps === 0 && !last) considerRebalance();
    if (last) {
      lastCommitted = true;
      endIfComplete();
    }
  };

  // --- workers ------------------------------------------------------------------------------------------------------

  const activeMembers = (): Member[] => [...members.values()].filter((member) => member.state === "active");

  const welcomeFor = (channel: Channel, toShard: boolean): MessageOf<"welcome"> => ({
    type: "welcome",
    runId,
    generation: options.generation,
    spec: options.specText,
    shards: toShard
      ? []
      : [...shards.entries()]
          .sort(([a], [b]) => a - b)
          .map(([index, { port }]) => options.shardAddress(index, port, channel.local)),
    data: options.dataLocation(channel.local),
  });

  const greetWorker = (channel: Channel, hello: MessageOf<"hello">): Member => {
    const before = members.get(hello.id);
    if (before?.channel) {
      const old = before.channel;
      before.channel = undefined;
      old.close(closeCodes.replaced, "the same worker has connected again");
    }
    const member = createMember(hello, channel);
    members.set(hello.id, member);
    channel.onClose((code, why) => {
      if (member.channel !== channel) return;
      member.channel = undefined;
      if (over() || member.state === "left" || member.state === "refused") return;
      const wasActive = member.state === "active";
      member.state = "lost";
      event(
        "warning",
        `worker ${member.workerId} (process ${member.pid}) lost: ${why || `connection closed (${code})`}`,
      );
      if (wasActive) reassign(`worker ${member.workerId} was lost`);
    });
    if (begun) welcomeWorker(member);
    return member;
  };

  const welcomeWorker = (member: Member): void => {
    if (member.state === "joining" && member.channel) member.channel.send(welcomeFor(member.channel, false));
  };

  const fromWorker = (member: Member, message: Message): void => {
    switch (message.type) {
      case "canary":
        takeCanary(member, message.digest);
        return;
      case "worker-report":
        takeReport(member, message);
        store.appendMetric("workers", {
          process: member.workerId,
          step: message.step,
          ...message.timings,
          microBatches: message.microBatches,
          samples: message.samples,
          fetchedBytes: message.fetchedBytes,
          residentBytes: message.residentBytes,
        });
        return;
      case "leaving":
        member.state = "left";
        event("info", `worker ${member.workerId} left: ${message.reason}`);
        reassign(`worker ${member.workerId} left`);
        return;
      case "failed":
        if (message.run) fail(`worker ${member.workerId}: ${message.message}`);
        else event("error", `worker ${member.workerId} gave up: ${message.message}`);
        return;
      default:
        throw new ProtocolError(`the coordinator does not take "${message.type}" from a worker`);
    }
  };

  const takeCanary = (member: Member, digest: string): void => {
    runClass ??= { digest, determinismClass: member.determinismClass };
    const admission = admit(runClass, digest, member.determinismClass);
    if (admission.kind === "refused") {
      member.state = "refused";
      event("error", `worker ${member.workerId} refused: ${admission.reason}`);
      member.channel?.close(closeCodes.wrongClass as CloseCode, admission.reason.slice(0, 120));
      return;
    }
    if (admission.kind === "admitted-differing")
      event(
        "warning",
        `worker ${member.workerId} computes the run's bits on a different device (${admission.differences.join("; ")})`,
      );
    member.state = "active";
    event(
      "info",
      `worker ${member.workerId} joined (process ${member.pid} on ${member.host}, ${member.determinismClass.backend ?? "?"})`,
    );
    if (gathered) {
      reassign(`worker ${member.workerId} joined`);
    } else if (activeMembers().length >= options.expectedWorkers) {
      firstQuorum();
    } else {
      gathering ??= clock.after(gatherMs, firstQuorum);
    }
  };

  const firstQuorum = (): void => {
    if (gathered || over()) return;
    gathering?.();
    gathered = true;
    saveState();
    reassign("the first workers are here");
  };

  /** Invariants 1 and 3: a new membership, told to the shards first. */
  const reassign = (why: string, leases?: ReadonlyMap<string, Lease[]>): void => {
    if (!gathered || over()) return;
    const active = activeMembers();
    progress.pause();
    quorumId += 1;
    const assigned =
      leases ??
      (active.length === 0
        ? new Map<string, Lease[]>()
        : assignLeases(
            spec,
            active.map((member) => ({ workerId: member.workerId, speed: relativeSpeed(member, active) })),
          ));
    for (const member of members.values()) {
      member.rank = null;
      member.leases = [];
    }
    for (const [rank, member] of active.entries()) {
      member.rank = rank;
      member.leases = assigned.get(member.workerId) ?? [];
    }
    const workers = active.map((member) => ({
      workerId: member.workerId,
      tasks: [...new Set(member.leases.map((lease) => lease.task))],
    }));
    for (const shard of shards.values()) shard.channel.send({ type: "members", runId, quorumId, workers });
    for (const member of active) {
      member.channel?.send({
        type: "assignment",
        runId,
        quorumId,
        rank: member.rank ?? 0,
        worldSize: active.length,
        leases: [...member.leases],
      });
    }
    const count = active.length;
    event("info", `quorum ${quorumId}: ${count} worker${count === 1 ? "" : "s"} (${why})`);
    if (count === 0) {
      event("warning", "no worker is left: waiting for one to join");
      setState("waiting");
    } else {
      if (!stopRequested) setState("running");
      warnIdle(active);
    }
  };

  const warnIdle = (active: readonly Member[]): void => {
    const idle = active.filter((member) => member.leases.length === 0).length;
    if (idle === 0 || warnedIdle) return;
    warnedIdle = true;
    const slots = spec.tasks.map((task) => `tasks.${task.name}.slots is ${task.slots}`).join(", ");
    event(
      "warning",
      `${idle} of ${active.length} workers have nothing to do: the job has fewer slots than workers (${slots}); raise "slots" in the job, which changes its results, or start fewer workers`,
    );
  };

  const relativeSpeed = (member: Member, active: readonly Member[]): number => {
    const known = active.flatMap((other) => other.samplesPerSecond ?? []);
    // A newcomer counts as an average worker until it has been measured.
    const average = known.length === 0 ? 1 : known.reduce((sum, rate) => sum + rate, 0) / known.length;
    return member.samplesPerSecond ?? average;
  };

  const considerRebalance = (): void => {
    const active = activeMembers();
    if (active.length < 2 || active.some((member) => member.samplesPerSecond === undefined)) return;
    const assignees = active.map((member) => ({
      workerId: member.workerId,
      speed: relativeSpeed(member, active),
    }));
    const current = new Map(active.map((member) => [member.workerId, member.leases]));
    const better = rebalance(spec, assignees, current);
    if (better) reassign("measured speeds differ", better);
  };

  const snapshotNow = (): RunSnapshot => ({
    apiVersion: 1,
    runId,
    name: spec.name,
    state,
    phase: spec.phases[planStep(spec, Math.min(progress.version, lastStep(spec))).phase]?.name ?? "",
    step: progress.version,
    totalSteps: totalSteps(spec),
    startedAtMs,
    elapsedMs: options.wallMs() - startedAtMs,
    etaMs: state === "running" ? progress.etaMs(totalSteps(spec)) : null,
    samplesPerSecond: progress.samplesPerSecond,
    stepMs: progress.stepMs,
    quorumId,
    shards: options.shards,
    parameters: layout.parameters,
    learningRate: progress.learningRate,
    tasks: progress.tasks(),
    workers: [...members.values()].map(memberSnapshot),
    events: [...events],
    hash: hashVersion === progress.version ? hash : null,
    reason,
  });

  const handleFirst = (
    channel: Channel,
    message: Message,
  ): ((next: Message, slices: readonly Uint8Array[]) => void) => {
    if (message.type !== "hello")
      throw new ProtocolError(`a connection begins with "hello", not "${message.type}"`);
    if (message.protocol !== protocolVersion) {
      channel.close(
        closeCodes.wrongVersion,
        `protocol ${message.protocol}; this coordinator speaks ${protocolVersion}`,
      );
      return () => undefined;
    }
    if (over()) {
      channel.send({ type: "finish", runId, reason: `the run has ${state}` });
      return () => undefined;
    }
    if (message.role === "shard") {
      greetShard(channel, message);
      const index = message.listening?.index ?? 0;
      return (next, slices) => fromShard(index, next, slices);
    }
    const member = greetWorker(channel, message);
    return (next) => {
      if (member.channel === channel) fromWorker(member, next);
    };
  };

  return {
    accept(channel) {
      let handle: ((message: Message, slices: readonly Uint8Array[]) => void) | undefined;
      channel.onMessage((message, slices) => {
        if (message.runId !== runId) {
          channel.close(closeCodes.wrongRun, `this is run ${runId}, not ${message.runId}`);
          return;
        }
        try {
          if (handle) handle(message, slices);
          else handle = handleFirst(channel, message);
        } catch (error) {
          if (error instanceof ProtocolError) {
            event("warning", `${channel.remote} spoke out of turn: ${error.message}`);
            channel.close(closeCodes.protocolError, error.message.slice(0, 120));
          } else fail(textOf(error));
        }
      });
    },
    stop(why) {
      if (over()) return;
      const leader = shards.get(0);
      if (stopRequested || !begun || !leader) {
        finishWith("interrupted", why);
        return;
      }
      stopRequested = true;
      setState("stopping", why);
      leader.channel.send({ type: "stop", runId, reason: why });
    },
    fail,
    snapshot: snapshotNow,
    history: () => history.points(),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    activeWorkers: () => activeMembers().length,
    ended,
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
