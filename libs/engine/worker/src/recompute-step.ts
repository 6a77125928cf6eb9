import { nodeRange } from "@latentweave/aggregation";
import type { Arithmetic } from "@latentweave/arithmetic";
import type { MicroBatchResult, TaskGraph } from "@latentweave/model";
import type { ParameterLayout, Slice } from "@latentweave/parameters";
import {
  planStep,
  pushCodec,
  type RoundPlan,
  type RunSpec,
  slotMicroBatches,
  staysApart,
  type StepPlan,
  type TaskRound,
} from "@latentweave/plan";
import type { Deal, MessageOf, TreeNode } from "@latentweave/protocol";
import { createTaskPartials } from "./partials.ts";
import type { RowSource } from "./row-source.ts";
import type { SlotProgram, SlotResult } from "./slot-program.ts";

/** A sum that somebody sent to a shard, to be made again. */
export interface WantedNode {
  readonly shard: number;
  readonly round: number;
  readonly task: string;
  readonly node: TreeNode;
}

/** What the worker would have sent. */
export type Resend = (wanted: WantedNode, message: MessageOf<"push">, bytes: readonly Uint8Array[]) => void;

/**
 * Computes the micro-batches of a step once more, on the weights that `program` was told, and sums them to exactly the
 * wanted nodes, as a worker does.
 */
export async function recomputeStep(options: {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly arithmetic: Arithmetic;
  readonly program: SlotProgram;
  readonly source: RowSource;
  /** Slices by shard. */
  readonly owned: readonly (readonly Slice[])[];
  readonly step: number;
  /** In modes with an order: the version of the weights; then `step` is a planned one. */
  readonly basis?: number;
  /** Where sampling is adaptive: what each task had of the step. */
  readonly deal?: Deal | undefined;
  readonly wanted: readonly WantedNode[];
  readonly send: Resend;
}): Promise<{ readonly microBatches: number }> {
  const plan = planStep(options.spec, options.step, { deal: options.deal });
  let microBatches = 0;
  for (const round of plan.rounds)
    for (const task of round.tasks) {
      const wanted = options.wanted.filter((one) => one.round === round.index && one.task === task.task);
      microBatches += await recomputeTask({ ...options, plan, round, task, wanted });
    }
  return { microBatches };
}

async function recomputeTask(
  options: Omit<Parameters<typeof recomputeStep>[0], "step"> & {
    readonly plan: StepPlan;
    readonly round: RoundPlan;
    readonly task: TaskRound;
  },
): Promise<number> {
  const { spec, plan, round, task, wanted } = options;
  const graph = spec.phases[plan.phase]?.graphs.find((entry) => entry.task === task.task) as TaskGraph;
  const results = new Map<number, MicroBatchResult>();
  const nodes = distinct(wanted.map((one) => one.node));
  const isUnder = (node: TreeNode, slot: number): boolean => {
    const { start, end } = nodeRange(node, task.slots);
    return start <= slot && slot < end;
  };
  let computed = 0;
  for (const [place, node] of nodes.entries()) {
    const way = { codec: pushCodec(spec, round), apart: staysApart(spec, round) };
    const partials = createTaskPartials({ ...options, graph, round, task, ...way });
    const later = nodes.slice(place + 1);
    const { start, end } = nodeRange(node, task.slots);
    for (let slot = start; slot < end; slot++) {
      const known = results.get(slot);
      const result = known ?? (await computeSlot(options, slot));
      if (!known) computed += slotMicroBatches(spec, round);
      partials.add(slot, result);
      // Shards may have got a slot under different nodes: it is computed once all the same, and kept no longer.
      if (later.some((other) => isUnder(other, slot))) results.set(slot, result);
      else results.delete(slot);
    }
    for (const one of wanted) {
      if (!same(one.node, node)) continue;
      for (const { payloads, bytes } of partials.unsent(one.shard, undefined))
        options.send(one, pushOf(options, node, payloads), bytes);
    }
    partials.release();
  }
  return computed;
}

async function computeSlot(
  { program, source, plan, round, task }: Parameters<typeof recomputeTask>[0],
  slot: number,
): Promise<MicroBatchResult> {
  const rows = await source.read(plan, round, task, slot);
  return (await program.run({ plan, round, task, slot }, rows, () => true)) as SlotResult;
}

function pushOf(
  { runId, plan, round, task, basis }: Parameters<typeof recomputeTask>[0],
  node: TreeNode,
  payloads: MessageOf<"push">["payloads"],
): MessageOf<"push"> {
  return {
    type: "push",
    ...{ runId, timeline: 0, step: plan.step, round: round.index, quorumId: 0 },
    ...{ task: task.task, node, payloads },
    ...(basis !== undefined && { basis }),
  };
}

function distinct(nodes: readonly TreeNode[]): TreeNode[] {
  return nodes.filter((node, place) => nodes.findIndex((other) => same(node, other)) === place);
}

function same(a: TreeNode, b: TreeNode): boolean {
  return a.level === b.level && a.index === b.index;
}
