import { type Arithmetic, type FeedbackCodec, type OpenDigest } from "@latentweave/arithmetic";
import { metricNames, type TaskGraph } from "@latentweave/model";
import type { ParameterLayout, Slice } from "@latentweave/parameters";
import {
  type CompressionSpec,
  pushCodec,
  pushFeedback,
  type RoundPlan,
  type RunSpec,
  type StepPlan,
  staysApart,
  type TaskRound,
} from "@latentweave/plan";
import { type PayloadHeader, ProtocolError, type ReceivedNodes, type TreeNode } from "@latentweave/protocol";
import { type Collector, createCollector } from "../collector.ts";
import { feedbackOf } from "../feedback-dtype.ts";
import { createReducer, type Reducer } from "../reducer.ts";
import { createSliceValues } from "../robust/slice-values.ts";
import type { SlotValues } from "../robust/slot-values.ts";
import { isAncestor, nodeRange } from "../tree.ts";
import { isRounded, travels } from "../tree-codec.ts";
import { type Float32Values, float32Values, float64Values } from "../value-store.ts";

/** One slice of a task's gradient, being summed over the task's slots. */
export interface SliceReduction {
  readonly slice: Slice;
  readonly values: Float32Values;
  readonly reducer: Reducer<number>;
  /** Where contributions stay apart: the reducer, which then adds none. */
  readonly apart?: SlotValues<number>;
}

/** What is collected for one shard of one task in one round. */
export interface TaskReduction {
  readonly round: RoundPlan;
  readonly plan: TaskRound;
  /** Of its gradients, where they are rounded. */
  readonly codec: CompressionSpec["push"];
  /** Its contributions come one by one (plan: `staysApart`). */
  readonly apart: boolean;
  /** Where senders leave something out of its gradients. */
  readonly feedback: readonly FeedbackCodec[];
  readonly slices: readonly SliceReduction[];
  /** Leader only. */
  readonly metrics:
    { readonly names: readonly string[]; readonly reducer: Reducer<Float64Array> } | undefined;
  /** Payloads kept apart per micro-batch, by name; made when the first arrives. */
  readonly kept: Map<string, Collector>;
  /** Contributions as they arrived, with their worker and the digest of what it sent; at a relay, if at one. */
  nodes: ReceivedNodes;
  /** Sums that relays sent in place of such contributions, with the relay and the digest of what it sent. */
  sums: ReceivedNodes;
}

/** Of what a task's reduction is made. */
export interface TaskReductionOptions {
  readonly arithmetic: Arithmetic;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly owned: readonly Slice[];
  readonly leader: boolean;
  readonly plan: StepPlan;
  /** Sums are to go on their way again: only such nodes are made as travel. */
  readonly forwards?: boolean;
}

export function createTaskReduction(
  options: TaskReductionOptions,
  round: RoundPlan,
  plan: TaskRound,
): TaskReduction {
  const { arithmetic, spec, layout, owned, leader } = options;
  const graph = spec.phases[options.plan.phase]?.graphs.find(
    (entry) => entry.task === plan.task,
  ) as TaskGraph;
  const groups = new Set(round.program === "gradient" ? graph.groups : []);
  const codec = pushCodec(spec, round);
  const feedback = pushFeedback(spec, round);
  const apart = staysApart(spec, round);
  const mayTravel =
    options.forwards === true
      ? (node: TreeNode): boolean => travels(codec, node, plan.slots, apart)
      : undefined;
  const slices = owned
    .filter((slice) => groups.has(layout.groups[slice.group]?.name ?? ""))
    .map((slice) => {
      const values = float32Values(arithmetic, slice.numbers);
      if (apart && spec.robust) {
        const place = { arithmetic, rule: spec.robust, slots: plan.slots };
        const reducer = createSliceValues({ ...place, numbers: slice.numbers, values });
        return { slice, values, reducer, apart: reducer };
      }
      const rounding = codec && {
        at: (level: number) => isRounded(codec, level),
        round: (sum: number) => values.round(codec.codec, sum),
      };
      const reducer = createReducer({ slots: plan.slots, values, rounding, travels: mayTravel });
      return { slice, values, reducer };
    });
  const names = metricNames(graph);
  const metrics = leader
    ? {
        names,
        reducer: createReducer({
          ...{ slots: plan.slots, values: float64Values(names.length), travels: mayTravel },
        }),
      }
    : undefined;
  return { round, plan, codec, apart, feedback, slices, metrics, kept: new Map(), nodes: [], sums: [] };
}

/** Payloads of a contribution: its slices, and for the leader the metrics behind them. */
export function payloadsDue({ slices, metrics }: TaskReduction): number {
  return slices.length + (metrics ? 1 : 0);
}

/**
 * A node's value as it is written in the push: encoded where the job rounds its level.
 * @param digest is fed what is accepted
 * @returns whether it was accepted: else it is a duplicate
 */
export function acceptGradient(
  { reducer, values }: SliceReduction,
  { codec, feedback }: TaskReduction,
  node: TreeNode,
  payload: PayloadHeader,
  data: Uint8Array,
  digest: OpenDigest,
): boolean {
  const chosen = feedbackOf(payload.dtype, feedback);
  let outcome: "accepted" | "duplicate";
  if (chosen) outcome = reducer.adopt(node, values.takeFeedback(chosen, data));
  else if (codec === undefined || payload.dtype === "F32")
    return reducer.accept(node, data, digest) === "accepted";
  else outcome = reducer.adopt(node, values.takeEncoded(codec.codec, data));
  if (outcome === "accepted") digest.feed(data);
  return outcome === "accepted";
}

/** @param at where it is likely to be among the task's slices */
export function sliceFor(task: TaskReduction, slice: Slice | undefined, at: number): SliceReduction {
  const isIt = (own: SliceReduction): boolean =>
    own.slice.group === slice?.group &&
    own.slice.start === slice.start &&
    own.slice.numbers === slice.numbers;
  const likely = task.slices[at];
  const found = likely && isIt(likely) ? likely : task.slices.find(isIt);
  if (found) return found;
  throw new ProtocolError(
    `task "${task.plan.task}" has no gradient slice at number ${slice?.start} of group ${slice?.group} on this shard`,
  );
}

export function collectorFor(task: TaskReduction, name: string, bytesEach: number): Collector {
  let collector = task.kept.get(name);
  if (!collector) {
    collector = createCollector({ slots: task.plan.slots, bytesEach });
    task.kept.set(name, collector);
  }
  return collector;
}

/** All slots of the node are of contributions that have come whole. */
export function isNoted({ nodes, plan: { slots } }: TaskReduction, node: TreeNode): boolean {
  const { start, end } = nodeRange(node, slots);
  const noted = nodes.map(([level, index]) => nodeRange({ level, index }, slots));
  const within = noted.map((range) => Math.min(range.end, end) - Math.max(range.start, start));
  return within.reduce((sum, covered) => sum + Math.max(0, covered), 0) === end - start;
}

export function noteNode(
  task: TaskReduction,
  node: TreeNode,
  arrived: ReceivedNodes[number],
  parts: ReceivedNodes | undefined,
): void {
  const isElsewhere = ([level, index]: ReceivedNodes[number]): boolean => !isAncestor(node, { level, index });
  // A single slot has no descendants, and of those there are most.
  if (node.level > 0) task.nodes = task.nodes.filter(isElsewhere);
  if (task.sums.length > 0) task.sums = task.sums.filter(isElsewhere);
  task.nodes.push(...(parts ?? [arrived]));
  if (parts) task.sums.push(arrived);
}
