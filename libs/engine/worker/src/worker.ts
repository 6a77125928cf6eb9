import { lastStep } from "@latentweave/plan";
import {
  type Channel,
  closeCodes,
  createGathered,
  type Gathered,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
  reportEveryMs,
} from "@latentweave/protocol";
import { type ComputeLoop, createComputeLoop } from "./compute-loop.ts";
import { type PreparedRun, prepareRun } from "./prepare-run.ts";
import { createRelay, type Relay } from "./relay/relay.ts";
import { createShardLinks, type Route, type ShardLinks } from "./shard-links.ts";
import type { StepReport } from "./step-work.ts";
import type { WorkerOptions } from "./worker-options.ts";

export type WorkerEnd =
  | { readonly kind: "finished"; readonly reason: string }
  | { readonly kind: "left"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: Error };

/**
 * One worker: computes the micro-batches it holds leases for and pushes their sums.
 *
 * Invariants:
 * 1. A micro-batch of step s is computed only on weights that every shard has declared current for step s.
 * 2. Partials of step s are kept until every shard has broadcast a later step: a shard that asks again gets them again.
 * 3. One computation at a time, in the order of the plan; data for the next is read meanwhile.
 */
export interface Worker {
  /** A fresh channel to the coordinator: after every reconnection too. */
  join(channel: Channel): void;
  /** Finishes the micro-batch in hand, says goodbye and ends. */
  leave(reason: string): void;
  readonly ended: Promise<WorkerEnd>;
}

/** How far this process has come with its run. */
type Phase =
  | { readonly kind: "new" }
  /** The model is being loaded; the canary follows. */
  | { readonly kind: "preparing" }
  | {
      readonly kind: "ready";
      readonly prepared: PreparedRun;
      readonly links: ShardLinks;
      /** Where it could relay for others. */
      readonly relay: Relay | undefined;
      readonly loop: ComputeLoop;
      readonly reports: Gathered<StepReport>;
    }
  | { readonly kind: "over" };

export function createWorker(options: WorkerOptions): Worker {
  const { runId, workerId, compute, log } = options;
  let phase: Phase = { kind: "new" };
  let coordinator: Channel | undefined;
  let assignment: MessageOf<"assignment"> | undefined;
  let help: MessageOf<"help"> | undefined;
  /** Of the shards, the newest known. */
  let addresses: readonly string[] = [];
  /** It has said that it could relay, so it may be told that somebody does: it asks no shard for weights before. */
  let mayBeRelayed = false;
  let leavingReason: string | undefined;
  let end: (result: WorkerEnd) => void = () => undefined;
  const ended = new Promise<WorkerEnd>((resolve) => {
    end = resolve;
  });

  /** All teardown; only the first call counts. */
  const finish = (result: WorkerEnd): void => {
    if (phase.kind === "over") return;
    const before = phase;
    phase = { kind: "over" };
    if (before.kind === "ready") {
      before.links.stop();
      before.relay?.stop();
      before.loop.stop();
      before.prepared.source.close().catch((error: unknown) => log(`closing the data: ${String(error)}`));
    }
    coordinator?.close(closeCodes.done, result.kind);
    end(result);
  };

  /** This process gives up; another one may do better. */
  const breakDown = (error: unknown): void => {
    if (phase.kind === "over") return;
    const failure = error instanceof Error ? error : new Error(String(error));
    coordinator?.send({ type: "failed", runId, message: failure.message });
    finish({ kind: "failed", error: failure });
  };

  const sendCanary = (digest: string): void => coordinator?.send({ type: "canary", runId, digest });

  const prepare = async (welcome: MessageOf<"welcome">): Promise<void> => {
    const prepared = await prepareRun(options, welcome);
    if (phase.kind === "over") return;
    const reports = createGathered<StepReport>({
      clock: options.clock,
      everyMs: () => reportEveryMs(assignment?.worldSize ?? 1),
      tell: (steps) =>
        coordinator?.send({
          type: "worker-report",
          ...{ runId, steps },
          fetchedBytes: prepared.source.fetchedBytes,
          residentBytes: options.residentBytes(),
          profile: options.spans?.take(),
        }),
    });
    const loop = createComputeLoop({
      ...options,
      prepared,
      links: () => (phase.kind === "ready" ? phase.links : undefined),
      beforeMicroBatch: options.beforeMicroBatch,
      probe: options.probe,
      assigned: () => assignment,
      help: () => help,
      isLeaving: () => leavingReason !== undefined,
      onStepDone(report) {
        reports.add(report);
        if (report.step >= lastStep(prepared.spec)) reports.flush();
      },
    });
    const relay = options.relay && createRelay({ ...options, addresses, prepared, onFailed: breakDown });
    const links = createShardLinks({
      ...options,
      routes: routes(),
      weights: prepared.weights,
      setParameters: (slices) => prepared.program.setParameters(slices),
      mapWeights: compute.mapWeights?.bind(compute),
      onMayLack: (index) => loop.resend(index),
      onBroadcast: () => loop.wake(),
      onAsked: (index, channel, ask) => loop.answer(index, channel, ask),
      onFailed: breakDown,
    });
    phase = { kind: "ready", prepared, links, relay, loop, reports };
    sendCanary(prepared.digest);
    await loop.run();
    if (leavingReason !== undefined) await goodbye(leavingReason);
  };

  const goodbye = async (reason: string): Promise<void> => {
    if (phase.kind === "ready") phase.reports.flush();
    coordinator?.send({ type: "leaving", runId, reason });
    await coordinator?.drained();
    finish({ kind: "left", reason });
  };

  const takeAssignment = (message: MessageOf<"assignment">): void => {
    const before = assignment;
    assignment = message;
    // It was asked of somebody with the weights of these tasks, which are sent to members by their leases.
    if (before?.quorumId !== message.quorumId) help = undefined;
    if (phase.kind !== "ready") return;
    phase.relay?.serve(message.relay?.workerId === workerId ? message.relay : undefined);
    if (isOtherRoute(before, message)) phase.links.moveTo(routes());
    // Whoever counts now may have lost or fenced what was sent under an earlier membership.
    if (before?.quorumId !== message.quorumId) phase.loop.resend();
    phase.loop.wake();
  };

  const isOtherRoute = (before: MessageOf<"assignment"> | undefined, now: MessageOf<"assignment">): boolean =>
    (!before && mayBeRelayed) || JSON.stringify(before?.relay) !== JSON.stringify(now.relay);

  const moveTo = (next: readonly string[]): void => {
    addresses = next;
    if (phase.kind !== "ready") return;
    phase.relay?.moveTo(next);
    phase.links.moveTo(routes());
  };

  /** Straight to the shards, or through the worker of this host that the coordinator has named. */
  const routes = (): Route[] => {
    const relay = assignment?.relay;
    const isUndecided = mayBeRelayed && !assignment;
    return addresses.map((direct, shard) =>
      relay && options.relay
        ? { address: options.relay.addressOf(relay, shard), direct }
        : { address: isUndecided ? undefined : direct },
    );
  };

  options.relay?.listen((channel, shard) => {
    // Whoever dials it is told to by somebody who has heard of its canary.
    if (phase.kind === "ready") phase.relay?.accept(channel, shard);
    else channel.close(closeCodes.goingAway, "not ready");
  });

  const fromCoordinator = (message: Message): void => {
    switch (message.type) {
      case "welcome":
        moveTo(message.shards);
        options.spans?.welcomed(message.profile);
        if (phase.kind === "ready") sendCanary(phase.prepared.digest);
        if (phase.kind !== "new") return;
        phase = { kind: "preparing" };
        prepare(message).catch(breakDown);
        return;
      case "assignment":
        takeAssignment(message);
        return;
      case "help":
        help = message;
        if (phase.kind === "ready") phase.loop.wake();
        return;
      case "shards":
        moveTo(message.addresses);
        return;
      case "finish":
        finish({ kind: "finished", reason: message.reason });
        return;
      default:
        throw new ProtocolError(`a worker does not take "${message.type}" from the coordinator`);
    }
  };

  return {
    join(channel) {
      coordinator = channel;
      channel.onMessage((message) => {
        try {
          fromCoordinator(message);
        } catch (error) {
          if (error instanceof ProtocolError)
            channel.close(closeCodes.protocolError, error.message.slice(0, 120));
          else breakDown(error);
        }
      });
      const { relay } = options;
      const offered = relay && !channel.local ? { loopback: relay.loopback, port: relay.port } : undefined;
      mayBeRelayed ||= offered !== undefined;
      channel.send({
        type: "hello",
        runId,
        protocol: protocolVersion,
        role: "worker",
        id: workerId,
        ...options.identity,
        determinismClass: { ...compute.determinismClass },
        ...(offered && { relay: offered }),
      });
      log("said hello to the coordinator");
    },
    leave(reason) {
      leavingReason ??= reason;
      if (phase.kind === "ready") phase.loop.wake();
      else void goodbye(leavingReason);
    },
    ended,
  };
}
