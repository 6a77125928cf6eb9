import {
  addRounding,
  type Agreement,
  createReducer,
  float64Values,
  gradientDtype,
  feedbackDtype,
  isAncestor,
  isNodeOf,
  isRounded,
  type KeptFloat32Values,
  keptFloat32Values,
  type KeptVector,
  nodeName,
  type Reducer,
  type Rounding,
  type SlotRange,
  travellingNodes,
  travels,
  type TreeCodec,
} from "@latentweave/aggregation";
import { type Arithmetic, type FeedbackCodec, feedbackBytes } from "@latentweave/arithmetic";
import { metricNames, type MicroBatchResult, type TaskGraph } from "@latentweave/model";
import { type ParameterGroup, type ParameterLayout, type Slice, sliceBytes } from "@latentweave/parameters";
import type { RoundPlan, TaskRound } from "@latentweave/plan";
import type { PayloadHeader, TreeNode } from "@latentweave/protocol";
import type { TaskResidual } from "./residuals.ts";

/**
 * A partial on its way to one shard: the payload headers and their bytes, in the same order. These are views of memory
 * that may grow and be used again: they must be given or copied before anything else is computed.
 */
export interface OutgoingPartial {
  readonly node: TreeNode;
  readonly payloads: PayloadHeader[];
  readonly bytes: Uint8Array[];
}

export interface PortionOfPartial extends OutgoingPartial {
  /** Payloads of the whole partial. */
  readonly of: number;
}

/**
 * What this worker has summed of one task in one round: single slots go in, held tree nodes come out. Nodes are kept
 * until the step is over, so that a shard that lost its connection can be told again.
 */
export interface TaskPartials {
  readonly round: RoundPlan;
  readonly task: TaskRound;
  add(slot: number, result: MicroBatchResult): void;
  has(slot: number): boolean;
  /** Names of the nodes as which these ranges travel, with as few bytes as possible. */
  maximalIn(ranges: readonly SlotRange[]): ReadonlySet<string>;
  /**
   * Held nodes that shard `shard` has not been sent: those among `wanted`, or all. Each is made when it is asked for, and
   * what was made before it holds no longer.
   */
  unsent(shard: number, wanted: ReadonlySet<string> | undefined): Iterable<OutgoingPartial>;
  /** The same nodes, to be offered: they count as sent. */
  unsentNodes(shard: number, wanted: ReadonlySet<string> | undefined): Iterable<TreeNode>;
  /** Payloads of a held node's partial, from `from` to before `to`; undefined where it is not held. */
  portion(shard: number, node: TreeNode, from: number, to: number): PortionOfPartial | undefined;
  /** Bytes of a partial's gradients for a shard, before any are rounded. */
  gradientBytes(shard: number): number;
  /** The shard, or all of them, may have lost what they were sent. */
  forgetSent(shard?: number): void;
  release(): void;
}

/** What was encoded with the residual, group after group. */
interface EncodedNode {
  readonly node: TreeNode;
  readonly codec: FeedbackCodec;
  readonly groups: readonly Uint8Array[];
}

interface GroupSum {
  readonly group: ParameterGroup;
  readonly values: KeptFloat32Values;
  readonly rounding: Rounding<KeptVector> | undefined;
  readonly reducer: Reducer<KeptVector>;
}

export function createTaskPartials(options: {
  readonly arithmetic: Arithmetic;
  readonly layout: ParameterLayout;
  readonly graph: TaskGraph;
  readonly round: RoundPlan;
  readonly task: TaskRound;
  /** Slices by shard. */
  readonly owned: readonly (readonly Slice[])[];
  /** Of the gradients, where they are rounded. */
  readonly codec: TreeCodec | undefined;
  /** Nothing is added here: each contribution goes by itself (plan: `staysApart`). */
  readonly apart?: boolean;
  /** Of the gradients, in place of a codec: where something is left out of what is sent, and goes with later steps. */
  readonly residual?: TaskResidual | undefined;
  /** Where it is to be known how well the rounded sums agree with the exact ones. */
  readonly agreement?: Agreement | undefined;
  /** Nobody looks at the gradients of a result that was added any more. */
  readonly onUnneeded?: ((gradients: MicroBatchResult["gradients"]) => void) | undefined;
}): TaskPartials {
  const { arithmetic, layout, graph, round, task, owned, codec, apart: each, residual, agreement } = options;
  const { onUnneeded } = options;
  const { slots } = task;
  /** What was encoded with the residual, by node, group after group: sent again it is the same. */
  const encodedNodes = new Map<string, EncodedNode>();
  /** What is encoded has changed the residual: no slot of it is encoded again as part of a larger node. */
  const isApart = (node: TreeNode): boolean =>
    [...encodedNodes.values()].every((one) => node.level <= one.node.level || !isAncestor(node, one.node));
  const mayTravel = residual
    ? isApart
    : each === true || (codec && codec.level !== "every")
      ? (node: TreeNode) => travels(codec, node, slots, each)
      : undefined;
  const groups: GroupSum[] =
    round.program !== "gradient"
      ? []
      : graph.groups.map((name) => {
          const group = layout.groups.find((entry) => entry.name === name) as ParameterGroup;
          const values = keptFloat32Values(arithmetic, group.numbers);
          const rounding = codec && {
            at: (level: number) => isRounded(codec, level),
            round(value: KeptVector) {
              if (agreement) addRounding(arithmetic, agreement, codec.codec, value.at, group.numbers);
              return values.round(codec.codec, value);
            },
          };
          return {
            group,
            values,
            rounding,
            reducer: createReducer({ slots, values, rounding, travels: mayTravel }),
          };
        });
  const metrics = createReducer({
    ...{ slots, travels: mayTravel },
    values: float64Values(metricNames(graph).length),
  });
  const done = new Set<number>();
  /** Gradients that are kept where they were given, as far as is known. */
  let kept: MicroBatchResult["gradients"][] = [];
  const sent = owned.map(() => new Set<string>());

  /** In the order of the shards' slices, which every sender keeps. */
  const payloadsFor = owned.map((slices) =>
    slices.flatMap((slice) => {
      const at = groups.findIndex(({ group }) => group.index === slice.group);
      return at < 0 ? [] : [{ at, slice }];
    }),
  );

  const partialFor = (
    shard: number,
    node: TreeNode,
    /** By group. */
    sums: readonly KeptVector[],
    metricsValue: Float64Array,
    [from, to]: readonly [number, number] = [0, Infinity],
  ): OutgoingPartial => {
    const payloads: PayloadHeader[] = [];
    const bytes: Uint8Array[] = [];
    const isEncoded = codec !== undefined && isRounded(codec, node.level);
    const parts = residual && encodedWith(residual, node, sums);
    const gradients = payloadsFor[shard] ?? [];
    for (const { at, slice } of gradients.slice(from, to)) {
      const { values } = groups[at] as GroupSum;
      const sum = sums[at] as KeptVector;
      const dtype = parts ? feedbackDtype(parts.codec) : gradientDtype(codec, node);
      payloads.push({ name: "gradient", reduce: "sum", dtype, slice });
      if (parts) {
        const start = feedbackBytes(parts.codec, slice.start);
        const end = start + feedbackBytes(parts.codec, slice.numbers);
        bytes.push((parts.groups[at] as Uint8Array).subarray(start, end));
        continue;
      }
      bytes.push(
        codec && isEncoded
          ? values.encoded(codec.codec, sum, slice.start, slice.numbers)
          : values.view(sum, slice.start, slice.numbers),
      );
    }
    if (shard === 0 && to > gradients.length) {
      payloads.push({ name: "metrics", reduce: "sum", dtype: "F64" });
      bytes.push(new Uint8Array(metricsValue.buffer, metricsValue.byteOffset, metricsValue.byteLength));
    }
    return { node, payloads, bytes };
  };

  const encodedWith = (own: TaskResidual, node: TreeNode, sums: readonly KeptVector[]): EncodedNode => {
    const name = nodeName(node);
    let known = encodedNodes.get(name);
    if (!known) {
      const { codec: chosen } = own;
      const parts = groups.map(({ group }, at) =>
        own.take(at, (sums[at] as KeptVector).at, group.numbers, agreement),
      );
      encodedNodes.set(name, (known = { node, codec: chosen, groups: parts }));
    }
    return known;
  };

  /** Held, and not sent so far: from now on they are. */
  function* stillUnsent(
    shard: number,
    wanted: ReadonlySet<string> | undefined,
  ): Iterable<{ readonly place: number; readonly node: TreeNode; readonly value: Float64Array }> {
    const already = sent[shard] as Set<string>;
    for (const [place, { node, value }] of metrics.heldNodes().entries()) {
      const name = nodeName(node);
      if (already.has(name) || (wanted && !wanted.has(name))) continue;
      already.add(name);
      yield { place, node, value };
    }
  }

  /** The largest nodes within this one that no encoded slot is to become a part of. */
  const apart = (node: TreeNode): TreeNode[] => {
    if (isApart(node)) return [node];
    const children = [0, 1].map((side) => ({ level: node.level - 1, index: 2 * node.index + side }));
    return children.filter((child) => isNodeOf(child, slots)).flatMap(apart);
  };

  /** Of what was added to another nobody looks at the original any more. */
  const giveBack = (): void => {
    if (!onUnneeded || kept.length === 0) return;
    const held = groups.flatMap(({ reducer }) => reducer.heldNodes().map(({ value }) => value.at));
    const inUse = new Set(held.map((at) => (typeof at === "number" ? undefined : at.buffer)));
    const isKept = (gradients: MicroBatchResult["gradients"]): boolean =>
      gradients.some(({ buffer }) => inUse.has(buffer));
    const unneeded = kept.filter((gradients) => !isKept(gradients));
    kept = kept.filter(isKept);
    for (const gradients of unneeded) onUnneeded(gradients);
  };

  return {
    round,
    task,
    add(slot, result) {
      const node = { level: 0, index: slot };
      for (const [place, { reducer, values, rounding }] of groups.entries()) {
        const gradient = result.gradients[place] as Float32Array;
        const bytes = new Uint8Array(gradient.buffer, gradient.byteOffset, gradient.byteLength);
        if (rounding?.at(0) === true) reducer.adopt(node, rounding.round(values.take(bytes)));
        else reducer.accept(node, bytes);
      }
      const { buffer, byteOffset, byteLength } = result.metrics;
      metrics.accept(node, new Uint8Array(buffer, byteOffset, byteLength));
      done.add(slot);
      if (onUnneeded && result.gradients.length > 0) kept.push(result.gradients);
      giveBack();
    },
    has: (slot) => done.has(slot),
    maximalIn: (ranges) =>
      new Set(
        ranges
          .flatMap(({ start, end }) => travellingNodes(codec, start, end, slots, each))
          .flatMap((node) => (residual ? apart(node) : [node]))
          .map(nodeName),
      ),
    *unsent(shard, wanted) {
      // Every reducer of the task holds the same nodes.
      let held: readonly { readonly value: KeptVector }[][] | undefined;
      for (const { place, node, value } of stillUnsent(shard, wanted)) {
        held ??= groups.map(({ reducer }) => reducer.heldNodes());
        const sums = held.map((nodes) => nodes[place]?.value as KeptVector);
        yield partialFor(shard, node, sums, value);
      }
    },
    *unsentNodes(shard, wanted) {
      for (const { node } of stillUnsent(shard, wanted)) yield node;
    },
    portion(shard, node, from, to) {
      const name = nodeName(node);
      const nodes = metrics.heldNodes();
      const place = nodes.findIndex((one) => nodeName(one.node) === name);
      const value = nodes[place]?.value;
      if (!value) return undefined;
      const sums = groups.map(({ reducer }) => reducer.heldNodes()[place]?.value as KeptVector);
      const of = (payloadsFor[shard]?.length ?? 0) + (shard === 0 ? 1 : 0);
      return { ...partialFor(shard, node, sums, value, [from, to]), of };
    },
    gradientBytes: (shard) => sliceBytes((payloadsFor[shard] ?? []).map(({ slice }) => slice)),
    forgetSent(shard) {
      for (const [index, names] of sent.entries()) if (shard === undefined || index === shard) names.clear();
    },
    release() {
      for (const { reducer } of groups) reducer.reset();
      metrics.reset();
      giveBack();
    },
  };
}
