import {
  createStepReduction,
  isAncestor,
  isRounded,
  gradientDtype,
  keptFloat32Values,
  nodeName,
  portionField,
  portionsOf,
  type SlotRange,
  type StepReduction,
  type TaskReduction,
  travellingNodes,
} from "@latentweave/aggregation";
import type { Arithmetic } from "@latentweave/arithmetic";
import { sliceBytes } from "@latentweave/parameters";
import { leasedSlots, planStep, type RunSpec, type StepPlan } from "@latentweave/plan";
import {
  type Channel,
  type Lease,
  type MessageOf,
  type PayloadHeader,
  ProtocolError,
  type ReceivedNodes,
  type TreeNode,
} from "@latentweave/protocol";
import type { PreparedRun } from "../prepare-run.ts";
import type { SendingWay } from "../step-work.ts";

/**
 * One step on its way through a relay to one shard: what workers of this host send is added along the tree, and each sum
 * leaves once, when nobody here is expected to add to it.
 *
 * Invariants:
 * 1. A sum leaves with the names and digests of all that it is made of.
 * 2. Sums are kept until `release`, so that a shard that asks again gets them again.
 */
export interface RelayedStep {
  readonly timeline: number;
  readonly plan: StepPlan;
  /** @throws ProtocolError as the shard would */
  accept(message: MessageOf<"push">, slices: readonly Uint8Array[], workerId: string): void;
  /**
   * @param whole what is to be waited for: the slots of those behind the relay; undefined: nothing is
   * @param how default: whole, and straight away
   */
  send(to: Channel, quorumId: number, whole: readonly Lease[] | undefined, how?: SendingWay): void;
  /** Sends what was offered. @returns false: it is not to be had here any more */
  answer(to: Channel, quorumId: number, ask: MessageOf<"ask">): boolean;
  /** All that these slots come to has left. */
  isSent(whole: readonly Lease[]): boolean;
  /** Of what leaves as this node, when all of it is here. */
  digestOf(of: Pick<MessageOf<"push">, "round" | "task" | "node">): string | undefined;
  /** The shard may have lost what it was sent. */
  forgetSent(): void;
  release(): void;
}

/** What is known of a task besides its sums. */
interface Way {
  readonly task: TaskReduction;
  /** Names of nodes that have left. */
  readonly sent: Map<string, TreeNode>;
  /** Came of what is here already, with other bits, from somebody else: told once the first has left. */
  contradictions: ReceivedNodes;
}

export function openRelayedStep(options: {
  readonly runId: string;
  readonly prepared: Pick<PreparedRun, "spec" | "layout" | "owned">;
  readonly arithmetic: Arithmetic;
  /** The shard. */
  readonly index: number;
  readonly timeline: number;
  readonly step: number;
  /** A sum has been handed over. */
  readonly onSent?: (() => void) | undefined;
}): RelayedStep {
  const { runId, prepared, arithmetic, index, timeline, step } = options;
  const { spec, layout, owned } = prepared;
  const plan = planStep(spec, step);
  const reduction = createStepReduction({
    ...{ arithmetic, spec, layout, plan },
    ...{ owned: owned[index] ?? [], leader: index === 0, forwards: true },
  });
  const ways = reduction.tasks.map((task): Way => ({ task, sent: new Map(), contradictions: [] }));

  const push = (
    to: Channel,
    quorumId: number,
    { task }: Way,
    node: TreeNode,
    parts: ReceivedNodes,
    outgoing: readonly Outgoing[] = [],
    /** Its first payload, and of how many; default: all of them. */
    [from, of]: readonly [number, number] = [0, outgoing.length],
  ): void => {
    const message = {
      type: "push",
      ...{ runId, timeline, step, round: task.round.index, quorumId, task: task.plan.task, node },
      payloads: outgoing.map(({ header }) => header),
      parts,
      ...portionField(from, outgoing.length, of),
    } as const;
    to.sendCopy(
      message,
      outgoing.map(({ bytes }) => bytes),
    );
    if (outgoing.length > 0) options.onSent?.();
  };

  return {
    timeline,
    plan,
    accept(message, slices, workerId) {
      const way = wayOf(reduction, ways, message);
      checkWhole(way.task, message);
      const arrival = reduction.accept(message, slices, workerId);
      if (arrival.kind !== "known") return;
      const { level, index: at } = message.node;
      const { digest } = arrival;
      const isContradicted = way.task.nodes.some(
        ([itsLevel, itsIndex, from, sent]) =>
          itsLevel === level && itsIndex === at && from !== workerId && sent !== digest,
      );
      if (isContradicted) way.contradictions.push([level, at, workerId, digest]);
    },
    send(to, quorumId, whole, { offersOver = Infinity, portionBytes } = {}) {
      for (const way of ways) {
        const { task, sent } = way;
        const waitedFor = whole && wholeNodes(spec, task, whole);
        for (const node of heldByAll(task)) {
          if (sent.has(nodeName(node)) || waitedFor?.some((one) => isAbove(one, node)) === true) continue;
          sent.set(nodeName(node), node);
          if (sliceBytes(task.slices.map(({ slice }) => slice)) > offersOver) {
            const { round, plan: of } = task;
            const what = { runId, timeline, step, round: round.index, quorumId, task: of.task, node };
            to.send({ type: "offer", ...what });
            continue;
          }
          const parts = partsOf(task, node);
          const outgoing = outgoingOf(arithmetic, task, node);
          const portions = portionsOf(
            outgoing.map(({ bytes }) => bytes.byteLength),
            portionBytes,
          );
          for (const [from, end] of portions)
            push(to, quorumId, way, node, parts, outgoing.slice(from, end), [from, outgoing.length]);
        }
        const [told, later] = split(way.contradictions, (part) => isUnder(sent.values(), part));
        way.contradictions = later;
        for (const part of told) push(to, quorumId, way, { level: part[0], index: part[1] }, [part]);
      }
    },
    answer(to, quorumId, { round, task: name, node, from, to: end }) {
      const way = ways.find(({ task }) => task.round.index === round && task.plan.task === name);
      if (!way || !heldByAll(way.task).some((held) => nodeName(held) === nodeName(node))) return false;
      const { task } = way;
      const outgoing = outgoingOf(arithmetic, task, node, [from, end]);
      if (outgoing.length === 0) return false;
      push(to, quorumId, way, node, partsOf(task, node), outgoing, [from, holdersOf(task).length]);
      return true;
    },
    isSent: (whole) =>
      ways.every(({ task, sent }) => wholeNodes(spec, task, whole).every((node) => sent.has(nodeName(node)))),
    digestOf({ node, ...of }) {
      const task = reduction.task(of);
      if (!heldByAll(task).some((held) => nodeName(held) === nodeName(node))) return undefined;
      return arithmetic.digest(...outgoingOf(arithmetic, task, node).map(({ bytes }) => bytes));
    },
    forgetSent() {
      for (const { sent } of ways) sent.clear();
    },
    release: () => reduction.release(),
  };
}

interface Outgoing {
  readonly header: PayloadHeader;
  /** Maybe of memory that changes. */
  readonly bytes: Uint8Array;
}

/** The sum under a node as it travels, or some of it: as it lies, or encoded where the job rounds its level. */
function outgoingOf(
  arithmetic: Arithmetic,
  task: TaskReduction,
  node: TreeNode,
  [from, to]: readonly [number, number] = [0, Infinity],
): Outgoing[] {
  const { codec, metrics } = task;
  const gradients = task.slices.slice(from, to).map(({ slice, reducer }): Outgoing => {
    const header: PayloadHeader = {
      ...{ name: "gradient", reduce: "sum", dtype: gradientDtype(codec, node) },
      slice: { group: slice.group, start: slice.start, numbers: slice.numbers },
    };
    const at = valueAt(reducer, node);
    if (!codec || !isRounded(codec, node.level))
      return { header, bytes: arithmetic.u8(at, slice.numbers * 4) };
    const values = keptFloat32Values(arithmetic, slice.numbers);
    return { header, bytes: values.encoded(codec.codec, { at }, 0, slice.numbers) };
  });
  if (!metrics || to <= task.slices.length) return gradients;
  const { buffer, byteOffset, byteLength } = valueAt(metrics.reducer, node);
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return [...gradients, { header: { name: "metrics", reduce: "sum", dtype: "F64" }, bytes }];
}

interface Holder<V> {
  heldNodes(): { readonly node: TreeNode; readonly value: V }[];
}

function valueAt<V>(reducer: Holder<V>, { level, index }: TreeNode): V {
  const held = reducer.heldNodes().find(({ node }) => node.level === level && node.index === index);
  if (!held) throw new Error(`node ${level}:${index} is not held`);
  return held.value;
}

function holdersOf({ slices, metrics }: TaskReduction): Holder<unknown>[] {
  return [...slices.map(({ reducer }) => reducer), ...(metrics ? [metrics.reducer] : [])];
}

/** A push has all of a node for its shard, so every reducer of a task holds the same; all the same it is looked at. */
function heldByAll(task: TaskReduction): TreeNode[] {
  const [first, ...others] = holdersOf(task);
  if (!first) return [];
  const names = others.map((one) => new Set(one.heldNodes().map(({ node }) => nodeName(node))));
  return first
    .heldNodes()
    .map(({ node }) => node)
    .filter((node) => names.every((held) => held.has(nodeName(node))));
}

function wayOf(reduction: StepReduction, ways: readonly Way[], message: MessageOf<"push">): Way {
  const task = reduction.task(message);
  return ways.find((one) => one.task === task) as Way;
}

/** @throws ProtocolError where only some of a node's payloads came: it could not go on as a whole. */
function checkWhole(task: TaskReduction, { node, payloads }: MessageOf<"push">): void {
  const due = holdersOf(task).length;
  if (payloads.length === due && payloads.every(({ reduce }) => reduce === "sum")) return;
  throw new ProtocolError(
    `node ${nodeName(node)} of task "${task.plan.task}" came with ${payloads.length} payloads, not the ${due} that are added up`,
  );
}

function partsOf(task: TaskReduction, node: TreeNode): ReceivedNodes {
  return task.nodes.filter(([level, index]) => isAncestor(node, { level, index }));
}

/** The fewest nodes as which all of these slots travel. */
function wholeNodes(
  spec: RunSpec,
  { round, plan, codec, apart }: TaskReduction,
  whole: readonly Lease[],
): TreeNode[] {
  const ranges = whole
    .filter((lease) => lease.task === plan.task)
    .map((lease) => leasedSlots(spec, round, plan, lease));
  return joined(ranges).flatMap(({ start, end }) => travellingNodes(codec, start, end, plan.slots, apart));
}

/** Neighbours and overlapping ranges made one. */
function joined(ranges: readonly SlotRange[]): SlotRange[] {
  const all: SlotRange[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    if (start === end) continue;
    const last = all.at(-1);
    if (last && last.end >= start) all[all.length - 1] = { start: last.start, end: Math.max(last.end, end) };
    else all.push({ start, end });
  }
  return all;
}

function isAbove(ancestor: TreeNode, node: TreeNode): boolean {
  return ancestor.level > node.level && isAncestor(ancestor, node);
}

function isUnder(nodes: Iterable<TreeNode>, [level, index]: ReceivedNodes[number]): boolean {
  return [...nodes].some((node) => isAncestor(node, { level, index }));
}

function split<T>(all: readonly T[], test: (one: T) => boolean): [yes: T[], no: T[]] {
  return [all.filter(test), all.filter((one) => !test(one))];
}
