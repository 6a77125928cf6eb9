import {
  cosineOf,
  isMeasured,
  noAgreement,
  portionField,
  portionsOf,
  type SlotRange,
} from "@latentweave/aggregation";
import type { Arithmetic } from "@latentweave/arithmetic";
import type { MicroBatchResult, TaskGraph } from "@latentweave/model";
import {
  leasedSlots,
  planStep,
  pushCodec,
  type RoundPlan,
  type RunSpec,
  slotMicroBatches,
  staysApart,
  type StepPlan,
  type TaskRound,
} from "@latentweave/plan";
import type { Channel, Lease, MessageOf, TreeNode } from "@latentweave/protocol";
import { createTaskPartials, type OutgoingPartial, type TaskPartials } from "./partials.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { RowSource } from "./row-source.ts";
import type { Moment } from "./shard-links.ts";

/** What the coordinator hears of a step. */
export type StepReport = MessageOf<"worker-report">["steps"][number];

/** A micro-batch to compute. */
export interface Todo {
  readonly partials: TaskPartials;
  readonly round: RoundPlan;
  readonly task: TaskRound;
  readonly slot: number;
}

export type Phase = "wait" | "data" | "compute" | "reduce" | "push";

/**
 * One step's work: what is leased and not yet computed, what is summed and not yet sent.
 *
 * Invariant 2 of the worker: partials stay until `release`, so that a shard that asks again gets them again.
 */
export interface StepWork {
  readonly timeline: number;
  readonly plan: StepPlan;
  /** Modes with an order: the version that it is computed on. */
  readonly basis: number | undefined;
  /** The next, in the order of the plan: what to compute, and what to read meanwhile. */
  todo(leases: readonly Lease[]): readonly [next?: Todo, after?: Todo];
  add(todo: Todo, result: MicroBatchResult, samples: number): void;
  /** Sends a shard what it lacks: nodes maximal in the leases, or all that is held when `leases` is not given. */
  push(to: PushTarget, leases?: readonly Lease[], only?: TaskPartials): void;
  /** Sends what was offered. @returns false: it is not to be had here any more */
  answer(
    to: Pick<PushTarget, "runId" | "quorumId" | "onSent">,
    way: WayToShard,
    ask: MessageOf<"ask">,
  ): boolean;
  /** One shard, or all of them. */
  forgetSent(shard?: number): void;
  prefetch(source: RowSource, leases: readonly Lease[]): void;
  addTime(phase: Phase, ms: number): void;
  /** Once, when something was computed: what the coordinator is to hear of it. */
  takeReport(): StepReport | undefined;
  release(): void;
}

export type WayToShard = readonly [index: number, channel: Channel, how?: SendingWay];

/** As a shard says how it is to be sent to. */
export interface SendingWay {
  /** Contributions of more bytes are offered, and sent as they are asked for; absent: none are. */
  readonly offersOver?: number | undefined;
  /** Those that are sent straight away are in portions of about so many bytes; absent: they are whole. */
  readonly portionBytes?: number | undefined;
}

export interface PushTarget {
  readonly runId: string;
  readonly quorumId: number;
  /** Those that are at this step: the others have all that they need, or cannot take it yet. */
  readonly shards: readonly WayToShard[];
  /** What was given to a channel, when it has taken all of it. */
  readonly onSent?: ((shard: number, channel: Channel, bytes: number) => void) | undefined;
  /** All that goes to other processes was sent. */
  readonly onLeft?: (() => void) | undefined;
  /** Called between two messages. */
  readonly onBetween?: (() => void) | undefined;
}

export function openStepWork(
  prepared: Pick<PreparedRun, "spec" | "layout" | "owned" | "program" | "residuals">,
  arithmetic: Arithmetic,
  { timeline, step, basis, deal }: Moment,
): StepWork {
  const { spec, layout, owned, program, residuals } = prepared;
  const plan = planStep(spec, step, { deal });
  const isCompressed = spec.compression?.push !== undefined || residuals !== undefined;
  const agreement = isCompressed && isMeasured(step) ? noAgreement() : undefined;
  const all = plan.rounds.flatMap((round) =>
    round.tasks.map((task) => {
      const graph = spec.phases[plan.phase]?.graphs.find((entry) => entry.task === task.task) as TaskGraph;
      const codec = pushCodec(spec, round);
      const place = { timeline, phase: plan.phase, round: round.index, task: task.task };
      return createTaskPartials({
        ...{ arithmetic, layout, graph, round, task, owned, codec, agreement },
        apart: staysApart(spec, round),
        onUnneeded: (gradients) => program.reuse(gradients),
        residual: round.program === "gradient" ? residuals?.of(place) : undefined,
      });
    }),
  );
  const timings: Partial<Record<Phase, number>> = {};
  let microBatches = 0;
  let samples = 0;
  let reported = false;

  const addTime = (phase: Phase, ms: number): void => {
    timings[phase] = (timings[phase] ?? 0) + ms;
  };

  const contribution = (
    { runId, quorumId }: Pick<PushTarget, "runId" | "quorumId">,
    { round, task }: TaskPartials,
    node: TreeNode,
  ): Omit<MessageOf<"offer">, "type" | "withdrawn"> => ({
    ...{ runId, timeline, step, round: round.index, quorumId, task: task.task, node },
  });

  const offer = (
    to: PushTarget,
    channel: Channel,
    partials: TaskPartials,
    nodes: Iterable<TreeNode>,
  ): void => {
    for (const node of nodes) channel.send({ type: "offer", ...contribution(to, partials, node) });
  };

  /** @param place its first payload, and of how many */
  const sendPortion = (
    to: Pick<PushTarget, "runId" | "quorumId">,
    channel: Channel,
    partials: TaskPartials,
    { node, payloads, bytes }: OutgoingPartial,
    [from, of]: readonly [number, number],
  ): void => {
    const portion = portionField(from, payloads.length, of);
    const order = basis !== undefined && { basis };
    channel.sendCopy(
      { type: "push", ...contribution(to, partials, node), payloads, ...portion, ...order },
      bytes,
    );
  };

  /** @returns whether anything was sent to anybody */
  const send = (
    to: PushTarget,
    shards: PushTarget["shards"],
    leases: readonly Lease[] | undefined,
    only: TaskPartials | undefined,
    wasSent = false,
  ): boolean => {
    let sentBefore = wasSent;
    const given = new Map<number, number>();
    for (const partials of only ? [only] : all) {
      const maximal = leases && partials.maximalIn(rangesOf(spec, partials, leases));
      for (const [index, channel, { offersOver = Infinity, portionBytes } = {}] of shards) {
        if (channel.deliversWithin !== true && partials.gradientBytes(index) > offersOver) {
          offer(to, channel, partials, partials.unsentNodes(index, maximal));
          continue;
        }
        for (const { node, payloads, bytes } of partials.unsent(index, maximal)) {
          if (payloads.length === 0) continue;
          if (sentBefore) to.onBetween?.();
          sentBefore = true;
          const sizes = bytes.map(({ byteLength }) => byteLength);
          for (const [from, end] of portionsOf(sizes, portionBytes)) {
            const some = { node, payloads: payloads.slice(from, end), bytes: bytes.slice(from, end) };
            sendPortion(to, channel, partials, some, [from, payloads.length]);
          }
          if (to.onSent) given.set(index, (given.get(index) ?? 0) + bytesOf(bytes));
        }
      }
    }
    for (const [index, channel] of shards) {
      const bytes = given.get(index);
      if (bytes !== undefined) to.onSent?.(index, channel, bytes);
    }
    return sentBefore;
  };

  return {
    timeline,
    plan,
    basis,
    todo(leases) {
      let next: Todo | undefined;
      for (const partials of all)
        for (const slot of leasedOf(spec, partials, leases)) {
          if (partials.has(slot)) continue;
          const todo = { partials, round: partials.round, task: partials.task, slot };
          if (next) return [next, todo];
          next = todo;
        }
      return next ? [next] : [];
    },
    add(todo, result, count) {
      todo.partials.add(todo.slot, result);
      microBatches += slotMicroBatches(spec, todo.round);
      samples += count;
    },
    push(to, leases, only) {
      // A shard of this process begins at once with what it is given: the others need not wait for that.
      const ofOthers = to.shards.filter(([, { deliversWithin }]) => deliversWithin !== true);
      const own = to.shards.filter(([, { deliversWithin }]) => deliversWithin === true);
      const wasSent = send(to, ofOthers, leases, only);
      to.onLeft?.();
      send(to, own, leases, only, wasSent);
    },
    answer(to, [index, channel], { round, task, node, from, to: end }) {
      const partials = all.find((one) => one.round.index === round && one.task.task === task);
      const portion = partials?.portion(index, node, from, end);
      if (!partials || !portion || portion.payloads.length === 0) return false;
      sendPortion(to, channel, partials, portion, [from, portion.of]);
      to.onSent?.(index, channel, bytesOf(portion.bytes));
      return true;
    },
    forgetSent(shard) {
      for (const partials of all) partials.forgetSent(shard);
    },
    prefetch(source, leases) {
      for (const partials of all)
        for (const slot of leasedOf(spec, partials, leases))
          source.prefetch(partials.round, partials.task, slot);
    },
    addTime,
    takeReport() {
      if (reported) return undefined;
      reported = true;
      const cosine = agreement && cosineOf(agreement);
      if (microBatches === 0) return undefined;
      return {
        ...{ step, timings: { ...timings }, microBatches, samples },
        ...(cosine !== undefined && { cosine }),
      };
    },
    release() {
      for (const partials of all) partials.release();
    },
  };
}

/** What was asked for is not to be had any more. */
export function withdrawal(
  quorumId: number,
  { runId, timeline, step, round, task, node }: Omit<MessageOf<"ask">, "type" | "from" | "to">,
): MessageOf<"offer"> {
  return { type: "offer", runId, timeline, step, round, quorumId, task, node, withdrawn: true };
}

function bytesOf(slices: readonly Uint8Array[]): number {
  return slices.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** A worker may hold several leases of a task: its own, and slots that somebody else is late with. */
function rangesOf(spec: RunSpec, { round, task }: TaskPartials, leases: readonly Lease[]): SlotRange[] {
  return leases
    .filter((lease) => lease.task === task.task)
    .map((lease) => leasedSlots(spec, round, task, lease));
}

function leasedOf(spec: RunSpec, partials: TaskPartials, leases: readonly Lease[]): number[] {
  const ranges = rangesOf(spec, partials, leases);
  const slots: number[] = [];
  for (const { start, end } of ranges) for (let slot = start; slot < end; slot++) slots.push(slot);
  return ranges.length > 1 ? [...new Set(slots)] : slots;
}
