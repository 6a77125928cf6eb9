import { cosineOf, isMeasured, noAgreement, type SlotRange } from "@latentweave/aggregation";
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
import { type Channel, type Lease, type MessageOf } from "@latentweave/protocol";
import { createTaskPartials, type TaskPartials } from "./partials.ts";
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
  /** One shard, or all of them. */
  forgetSent(shard?: number): void;
  prefetch(source: RowSource, leases: readonly Lease[]): void;
  addTime(phase: Phase, ms: number): void;
  /** Once, when something was computed: what the coordinator is to hear of it. */
  takeReport(): StepReport | undefined;
  release(): void;
}

export interface PushTarget {
  readonly runId: string;
  readonly quorumId: number;
  /** Those that are at this step: the others have all that they need, or cannot take it yet. */
  readonly shards: readonly (readonly [index: number, channel: Channel])[];
  /** What was given to a channel, when it has taken all of it. */
  readonly onSent?: ((shard: number, channel: Channel, bytes: number) => void) | undefined;
  /** All that goes to other processes was sent. */
  readonly onLeft?: (() => void) | undefined;
  /** Called between two messages. */
  readonly onBetween?: (() => void) | undefined;
}

export function openStepWork(
  { spec, layout, owned, residuals }: Pick<PreparedRun, "spec" | "layout" | "owned" | "residuals">,
  arithmetic: Arithmetic,
  { timeline, step, basis, deal }: Moment,
): StepWork {
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
      for (const [index, channel] of shards) {
        for (const { node, payloads, bytes } of partials.unsent(index, maximal)) {
          if (payloads.length === 0) continue;
          if (sentBefore) to.onBetween?.();
          sentBefore = true;
          const message = {
            type: "push",
            ...{ runId: to.runId, timeline, step, round: partials.round.index, quorumId: to.quorumId },
            ...{ task: partials.task.task, node, payloads },
            ...(basis !== undefined && { basis }),
          } as const;
          channel.sendCopy(message, bytes);
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
