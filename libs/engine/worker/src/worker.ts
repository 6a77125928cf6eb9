import type { Arithmetic } from "@latentweave/arithmetic";
import type { Compute, ComputeModel, TaskGraph } from "@latentweave/model";
import { createLayout, ownership, type ParameterLayout, type Slice } from "@latentweave/parameters";
import {
  leasedSlots,
  planStep,
  type RoundPlan,
  type RunSpec,
  type StepPlan,
  type TaskRound,
} from "@latentweave/plan";
import {
  type Channel,
  type Clock,
  closeCodes,
  type Lease,
  type Message,
  type MessageOf,
  ProtocolError,
  protocolVersion,
} from "@latentweave/protocol";
import { createTaskPartials, type TaskPartials } from "./partials.ts";
import { createRowSource, type RowReader, type Rows, type RowSource } from "./row-source.ts";

export interface WorkerOptions {
  readonly runId: string;
  readonly workerId: string;
  readonly arithmetic: Arithmetic;
  readonly clock: Clock;
  readonly compute: Compute;
  /** Digest of a keyed synthetic step on this device: what admits it (docs/protocol.md, "Admission"). */
  readonly canary: (compute: Compute, model: ComputeModel) => Promise<string>;
  /** Where prepared rows come from, once the coordinator has said where the data lies. */
  readonly openRows: (
    task: RunSpec["tasks"][number],
    location: MessageOf<"welcome">["data"],
  ) => Promise<RowReader>;
  /** Keeps a channel to a shard open until `stop`; calls back with every channel it gets. */
  readonly keepShard: (address: string, onChannel: (channel: Channel) => void) => { stop(): void };
  readonly identity: { readonly host: string; readonly pid: number; readonly software: string };
  readonly residentBytes: () => number;
  /** Called before each micro-batch: a test or a throttled worker waits here. */
  readonly beforeMicroBatch?: () => Promise<void>;
  readonly log: (text: string) => void;
}

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

interface ShardLink {
  readonly index: number;
  channel: Channel | undefined;
  /** Step and membership of its newest broadcast. */
  step: number;
  quorumId: number;
}

interface Ready {
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly owned: readonly (readonly Slice[])[];
  readonly links: readonly ShardLink[];
  readonly source: RowSource;
}

interface StepWork {
  readonly plan: StepPlan;
  readonly partials: readonly TaskPartials[];
  readonly timings: Record<string, number>;
  microBatches: number;
  samples: number;
  reported: boolean;
}

interface Todo {
  readonly partials: TaskPartials;
  readonly round: RoundPlan;
  readonly task: TaskRound;
  readonly slot: number;
}

export function createWorker(options: WorkerOptions): Worker {
  const { runId, workerId, arithmetic, clock, compute, log } = options;
  let coordinator: Channel | undefined;
  let ready: Ready | undefined;
  let preparing: Promise<void> | undefined;
  let digest: string | undefined;
  let assignment: MessageOf<"assignment"> | undefined;
  let work: StepWork | undefined;
  let leavingReason: string | undefined;
  let over = false;
  let keeps: readonly { stop(): void }[] = [];
  let wake: () => void = () => undefined;
  let end: (result: WorkerEnd) => void = () => undefined;
  const ended = new Promise<WorkerEnd>((resolve) => {
    end = resolve;
  });

  const finish = (result: WorkerEnd): void => {
    if (over) return;
    over = true;
    for (const keep of keeps) keep.stop();
    coordinator?.close(closeCodes.done, result.kind);
    wake();
    void ready?.source.close();
    end(result);
  };

  const breakDown = (error: unknown, run: boolean): void => {
    const failure = error instanceof Error ? error : new Error(String(error));
    coordinator?.send({ type: "failed", runId, run, message: failure.message });
    finish({ kind: "failed", error: failure });
  };

  // --- messages ---------------------------------------------------------------------------------------------------

  const fromCoordinator = (message: Message): void => {
    switch (message.type) {
      case "welcome":
        if (ready && digest !== undefined) coordinator?.send({ type: "canary", runId, digest });
        else preparing ??= prepare(message).catch((error: unknown) => breakDown(error, false));
        return;
      case "assignment":
        assignment = message;
        // Whoever counts now may have lost or fenced what was sent under an earlier membership.
        for (const link of ready?.links ?? []) forgetSent(link.index);
        flush();
        wake();
        return;
      case "finish":
        finish({ kind: "finished", reason: message.reason });
        return;
      default:
        throw new ProtocolError(`a worker does not take "${message.type}" from the coordinator`);
    }
  };

  const prepare = async (welcome: MessageOf<"welcome">): Promise<void> => {
    const spec = JSON.parse(welcome.spec) as RunSpec;
    const layout = createLayout(spec.groups);
    const model: ComputeModel = {
      layout,
      phases: spec.phases.map((phase) => ({ name: phase.name, tasks: phase.graphs })),
      seed: spec.seed,
      ...(spec.userModule === null ? {} : { userModule: spec.userModule }),
    };
    await compute.load(model);
    digest = await options.canary(compute, model);
    await compute.load(model);
    const source = createRowSource(spec, (task) => options.openRows(task, welcome.data));
    const links = welcome.shards.map((_, index): ShardLink => ({
      index,
      channel: undefined,
      step: -1,
      quorumId: -1,
    }));
    ready = { spec, layout, owned: ownership(layout, links.length), links, source };
    // Only now: a channel may come at once, and finds its link.
    keeps = welcome.shards.map((address, index) =>
      options.keepShard(address, (channel) => attach(index, channel)),
    );
    coordinator?.send({ type: "canary", runId, digest });
    loop().catch((error: unknown) => breakDown(error, false));
  };

  const attach = (index: number, channel: Channel): void => {
    const link = ready?.links[index];
    if (!link || over) return;
    link.channel = channel;
    forgetSent(index);
    channel.onMessage((message, slices) => {
      try {
        if (message.type !== "broadcast")
          throw new ProtocolError(`a worker does not take "${message.type}" from a shard`);
        takeBroadcast(link, message, slices);
      } catch (error) {
        channel.close(closeCodes.protocolError, error instanceof Error ? error.message.slice(0, 120) : "");
      }
    });
    channel.onClose(() => {
      if (link.channel === channel) link.channel = undefined;
    });
    channel.send({ type: "attach", runId, protocol: protocolVersion, workerId });
    flush();
  };

  const takeBroadcast = (
    link: ShardLink,
    message: MessageOf<"broadcast">,
    slices: readonly Uint8Array[],
  ): void => {
    if (message.slices.length > 0) {
      const updates = message.slices.map(({ group, start, numbers }, place) => {
        const bytes = slices[place];
        if (bytes?.byteLength !== numbers * 4)
          throw new ProtocolError("a broadcast slice has the wrong length");
        return { group, start, values: new Float32Array(bytes.slice().buffer) };
      });
      compute.setParameters(updates).catch((error: unknown) => breakDown(error, false));
    }
    link.step = message.step;
    link.quorumId = message.quorumId;
    wake();
  };

  // --- the step ---------------------------------------------------------------------------------------------------

  /** Invariant 1: the step that all shards agree on under the membership we know; undefined while they differ. */
  const currentStep = (): number | undefined => {
    if (!ready || !assignment) return undefined;
    const step = ready.links[0]?.step ?? -1;
    const agreed = ready.links.every(
      (link) => link.step === step && link.quorumId >= (assignment?.quorumId ?? 0),
    );
    return agreed && step >= 0 ? step : undefined;
  };

  const openStep = (now: Ready, step: number): StepWork => {
    for (const partials of work?.partials ?? []) partials.release();
    const plan = planStep(now.spec, step);
    const partials = plan.rounds.flatMap((round) =>
      round.tasks.map((task) => {
        const graph = now.spec.phases[plan.phase]?.graphs.find(
          (entry) => entry.task === task.task,
        ) as TaskGraph;
        return createTaskPartials({ arithmetic, layout: now.layout, graph, round, task, owned: now.owned });
      }),
    );
    return { plan, partials, timings: {}, microBatches: 0, samples: 0, reported: false };
  };

  const leaseOf = (task: string): Lease | undefined =>
    assignment?.leases.find((lease) => lease.task === task);

  const leasedRange = (now: Ready, partials: TaskPartials): { start: number; end: number } | undefined => {
    const lease = leaseOf(partials.task.task);
    return lease && leasedSlots(now.spec, partials.round, partials.task, lease);
  };

  const todoOf = (now: Ready, step: StepWork): Todo[] =>
    step.partials.flatMap((partials) => {
      const range = leasedRange(now, partials);
      const todo: Todo[] = [];
      for (let slot = range?.start ?? 0; slot < (range?.end ?? 0); slot++)
        if (!partials.has(slot)) todo.push({ partials, round: partials.round, task: partials.task, slot });
      return todo;
    });

  const loop = async (): Promise<void> => {
    let idleSinceMs = clock.nowMs();
    let read: { readonly of: Todo; readonly rows: Promise<Rows & { samples: number }> } | undefined;
    const now = ready as Ready;
    while (!over) {
      const step = currentStep();
      if (step !== undefined && work?.plan.step !== step) {
        work = openStep(now, step);
        work.timings.wait = clock.nowMs() - idleSinceMs;
        prefetch(now, work);
      }
      const todo = step === undefined || !work ? [] : todoOf(now, work);
      const next = todo[0];
      if (leavingReason !== undefined) {
        coordinator?.send({ type: "leaving", runId, reason: leavingReason });
        await coordinator?.drained();
        finish({ kind: "left", reason: leavingReason });
        return;
      }
      if (!next || !work) {
        if (work && step !== undefined) stepDone(work);
        idleSinceMs = clock.nowMs();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const doing = work;
      await options.beforeMicroBatch?.();
      const sameRead = read && read.of.partials === next.partials && read.of.slot === next.slot;
      const startedMs = clock.nowMs();
      const rows = await (sameRead && read ? read.rows : startRead(now, doing, next));
      const readMs = clock.nowMs();
      const after = todo[1];
      read = after && { of: after, rows: startRead(now, doing, after) };
      const result = await compute.run({
        program: next.round.program,
        phase: doing.plan.phase,
        step: doing.plan.step,
        round: next.round.index,
        task: next.task.task,
        slot: next.slot,
        samples: rows.samples,
        x: rows.x,
        columns: rows.columns,
      });
      const computedMs = clock.nowMs();
      addTime(doing, "data", readMs - startedMs);
      addTime(doing, "compute", computedMs - readMs);
      // A step that ended meanwhile (another worker was faster) has released its reducers: the result is not needed.
      if (work !== doing || currentStep() !== doing.plan.step) continue;
      next.partials.add(next.slot, result);
      doing.microBatches += 1;
      doing.samples += rows.samples;
      addTime(doing, "reduce", clock.nowMs() - computedMs);
      const pushMs = clock.nowMs();
      pushDue(now, next.partials, leasedRange(now, next.partials));
      addTime(doing, "push", clock.nowMs() - pushMs);
    }
  };

  const startRead = (now: Ready, step: StepWork, todo: Todo): Promise<Rows & { samples: number }> => {
    const rows = now.source.read(step.plan, todo.round, todo.task, todo.slot);
    // Awaited later; a failure meanwhile must not count as unhandled.
    rows.catch(() => undefined);
    return rows;
  };

  const prefetch = (now: Ready, step: StepWork): void => {
    for (const partials of step.partials) {
      const range = leasedRange(now, partials);
      for (let slot = range?.start ?? 0; slot < (range?.end ?? 0); slot++)
        now.source.prefetch(step.plan, partials.round, partials.task, slot);
    }
  };

  const addTime = (step: StepWork, phase: string, ms: number): void => {
    step.timings[phase] = (step.timings[phase] ?? 0) + ms;
  };

  const stepDone = (step: StepWork): void => {
    if (step.reported) return;
    flush();
    step.reported = true;
    if (step.microBatches === 0) return;
    coordinator?.send({
      type: "worker-report",
      runId,
      step: step.plan.step,
      timings: step.timings,
      microBatches: step.microBatches,
      samples: step.samples,
      fetchedBytes: ready?.source.fetchedBytes ?? 0,
      residentBytes: options.residentBytes(),
    });
  };

  // --- pushing ----------------------------------------------------------------------------------------------------

  const forgetSent = (shard: number): void => {
    for (const partials of work?.partials ?? []) partials.forgetSent(shard);
  };

  /** Everything held and not yet sent, whatever the lease: after a change of lease, or when the step's work is done. */
  const flush = (): void => {
    const now = ready;
    if (!now || !work || currentStep() !== work.plan.step) return;
    for (const partials of work.partials) pushDue(now, partials, undefined);
  };

  const pushDue = (
    now: Ready,
    partials: TaskPartials,
    lease: { start: number; end: number } | undefined,
  ): void => {
    if (!work || !assignment) return;
    for (const link of now.links) {
      if (!link.channel) continue;
      for (const { node, payloads, bytes } of partials.unsent(link.index, lease)) {
        if (payloads.length === 0) continue;
        link.channel.send(
          {
            type: "push",
            runId,
            step: work.plan.step,
            round: partials.round.index,
            quorumId: assignment.quorumId,
            task: partials.task.task,
            node,
            payloads,
          },
          bytes,
        );
      }
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
          else breakDown(error, false);
        }
      });
      channel.send({
        type: "hello",
        runId,
        protocol: protocolVersion,
        role: "worker",
        id: workerId,
        ...options.identity,
        determinismClass: { ...compute.determinismClass },
      });
      log("said hello to the coordinator");
    },
    leave(reason) {
      leavingReason = reason;
      wake();
    },
    ended,
  };
}
