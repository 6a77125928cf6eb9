import {
  type Arithmetic,
  encodedBytes,
  type FeedbackCodec,
  feedbackBytes,
  type OpenDigest,
} from "@latentweave/arithmetic";
import { metricNames, type TaskGraph } from "@latentweave/model";
import type { ParameterLayout, Slice } from "@latentweave/parameters";
import {
  type CompressionSpec,
  leasedSlots,
  pushCodec,
  pushFeedback,
  type RoundPlan,
  type RunSpec,
  type StepPlan,
  staysApart,
  type TaskRound,
} from "@latentweave/plan";
import type {
  Lease,
  MessageOf,
  PayloadHeader,
  ReceivedNodes,
  TaskRecord,
  TreeNode,
} from "@latentweave/protocol";
import { ProtocolError } from "@latentweave/protocol";
import { type Collector, createCollector } from "./collector.ts";
import { feedbackDtype, feedbackOf } from "./feedback-dtype.ts";
import { createOpenContributions } from "./open-contributions.ts";
import { createReducer, type Reducer } from "./reducer.ts";
import { createSliceValues } from "./robust/slice-values.ts";
import type { SlotValues } from "./robust/slot-values.ts";
import { isAncestor, isNodeOf, isPartition, nodeName, nodeRange } from "./tree.ts";
import { gradientDtype, isRounded, travels } from "./tree-codec.ts";
import { type Float32Values, float32Values, float64Values } from "./value-store.ts";

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

/**
 * All that a shard holds of the step in progress, or a relay on the way to it: per round and task the reducers of the
 * slices that the shard owns, and of the leader's metrics. Made anew for each step; values return to the arena on
 * `release`.
 */
export interface StepReduction {
  readonly plan: StepPlan;
  readonly tasks: readonly TaskReduction[];
  duplicates(): number;
  /** Nothing has arrived yet. */
  isEmpty(): boolean;
  /** @throws ProtocolError when the payload is not one that this step, task and shard have. */
  accept(message: MessageOf<"push">, bytes: readonly Uint8Array[], workerId: string): Arrival;
  /** Every gradient slice of every task is complete. */
  gradientsComplete(): boolean;
  metricsComplete(): boolean;
  /** Of the tasks and rounds that this shard has a part in. */
  received(): { task: string; round: number; nodes: ReceivedNodes; sums?: ReceivedNodes }[];
  /** @throws ProtocolError when the step has no such task in that round */
  task(of: Pick<MessageOf<"push">, "round" | "task">): TaskReduction;
  /** Leader: what the ledger keeps, but for what the other shards received. */
  records(): Omit<TaskRecord, "shards">[];
  /** Slots that some slice still lacks, in the numbering of leases. */
  missing(): Lease[];
  release(): void;
}

/**
 * What came of a push: a contribution of which something was `new`, or one of slots that are `known`, with the digest of
 * what was sent; `open`: more of it is to come.
 */
export type Arrival =
  { readonly kind: "new" } | { readonly kind: "known"; readonly digest: string } | { readonly kind: "open" };

export function createStepReduction(options: {
  readonly arithmetic: Arithmetic;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly owned: readonly Slice[];
  readonly leader: boolean;
  readonly plan: StepPlan;
  /** Sums are to go on their way again: only such nodes are made as travel. */
  readonly forwards?: boolean;
}): StepReduction {
  const { plan, leader } = options;
  const tasks = plan.rounds.flatMap((round) => round.tasks.map((task) => createTask(options, round, task)));
  const open = createOpenContributions(() => options.arithmetic.openDigest());
  let duplicates = 0;

  const find: StepReduction["task"] = (message) => {
    const task = tasks.find(
      (entry) => entry.round.index === message.round && entry.plan.task === message.task,
    );
    if (!task)
      throw new ProtocolError(`step ${plan.step} has no task "${message.task}" in round ${message.round}`);
    return task;
  };

  return {
    plan,
    tasks,
    duplicates: () => duplicates,
    isEmpty: () => open.isEmpty && tasks.every(({ nodes }) => nodes.length === 0),
    accept(message, bytes, workerId) {
      const task = find(message);
      checkNode(task, message.node);
      const parts = partsOf(task, message);
      const contribution = open.of(message, workerId);
      checkPortion(task, message);
      const { digest } = contribution;
      for (const [place, payload] of message.payloads.entries()) {
        const data = bytesOf(task, message.node, payload, bytes[place]);
        if (payload.reduce === "keep") {
          const collector = collectorFor(task, payload.name, data.byteLength);
          if (collector.accept(slotOf(message), data) === "duplicate") duplicates += 1;
          else contribution.isNew = true;
        } else if (payload.name === "gradient") {
          const at = (message.portion?.from ?? 0) + place;
          if (acceptGradient(sliceFor(task, payload.slice, at), task, message.node, payload, data, digest)) {
            contribution.isNew = true;
            continue;
          }
          duplicates += 1;
        } else if (payload.name === "metrics" && task.metrics) {
          if (task.metrics.reducer.accept(message.node, data) === "duplicate") duplicates += 1;
          else contribution.isNew = true;
        } else throw new ProtocolError(`payload "${payload.name}" is not one that this shard takes`);
        digest.feed(data);
      }
      open.took(message, workerId, contribution);
      if (!open.isLast(message)) return { kind: "open" };
      const whole = digest.end();
      // While portions came, others may have brought all of it.
      const isKnown = !contribution.isNew || (message.portion !== undefined && isNoted(task, message.node));
      if (isKnown) return { kind: "known", digest: whole };
      const { level, index } = message.node;
      noteNode(task, message.node, [level, index, workerId, whole], parts);
      return { kind: "new" };
    },
    gradientsComplete: () => tasks.every((task) => task.slices.every(({ reducer }) => reducer.isComplete())),
    metricsComplete: () => !leader || tasks.every((task) => task.metrics?.reducer.isComplete() ?? true),
    received: () =>
      tasks
        .filter(({ slices, metrics }) => slices.length > 0 || metrics)
        .map(({ plan: { task }, round, nodes, sums }) => ({
          ...{ task, round: round.index, nodes },
          ...(sums.length > 0 && { sums }),
        })),
    task: find,
    records: () => tasks.map(recordOf),
    missing: () => tasks.flatMap((task) => missingLeases(options.spec, task)),
    release() {
      open.clear();
      for (const task of tasks) {
        for (const { reducer } of task.slices) reducer.reset();
        task.metrics?.reducer.reset();
      }
    },
  };
}

function createTask(
  options: Parameters<typeof createStepReduction>[0],
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

/** @throws ProtocolError when the tree over the task's slots has no such node. */
export function checkIsNode({ plan: { task, slots } }: TaskReduction, node: TreeNode): void {
  if (isNodeOf(node, slots)) return;
  throw new ProtocolError(`task "${task}" has ${slots} slots: there is no node ${nodeName(node)}`);
}

/** Payloads of a contribution: its slices, and for the leader the metrics behind them. */
export function payloadsDue({ slices, metrics }: TaskReduction): number {
  return slices.length + (metrics ? 1 : 0);
}

/** @throws ProtocolError when the tree over the task's slots has no such node, or it is not one that travels. */
function checkNode(reduction: TaskReduction, node: TreeNode): void {
  const { plan, codec, apart } = reduction;
  const { task, slots } = plan;
  checkIsNode(reduction, node);
  // Whoever computes a step again from its record must come to the same nodes.
  if (!travels(codec, node, slots, apart))
    throw new ProtocolError(
      `node ${nodeName(node)} of task "${task}" travels as the nodes of level ${apart ? 0 : codec?.level} under it`,
    );
}

/**
 * A node's value as it is written in the push: encoded where the job rounds its level.
 * @param digest is fed what is accepted
 * @returns whether it was accepted: else it is a duplicate
 */
function acceptGradient(
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

/**
 * Portions of whoever sends must be cut from the same row of payloads: a contribution whose last payload has come is then
 * whole, whoever it came of.
 *
 * @throws ProtocolError
 */
function checkPortion(task: TaskReduction, { node, payloads, portion }: MessageOf<"push">): void {
  if (!portion) return;
  const due = payloadsDue(task);
  const isDue = payloads.every(({ name, slice }, place) => {
    const own = task.slices[portion.from + place]?.slice;
    return own ? own.group === slice?.group && own.start === slice.start : name === "metrics";
  });
  if (portion.of !== due || !isDue)
    throw new ProtocolError(`a portion of node ${nodeName(node)} that is not cut from its ${due} payloads`);
}

/** All slots of the node are of contributions that have come whole. */
function isNoted({ nodes, plan: { slots } }: TaskReduction, node: TreeNode): boolean {
  const { start, end } = nodeRange(node, slots);
  const noted = nodes.map(([level, index]) => nodeRange({ level, index }, slots));
  const within = noted.map((range) => Math.min(range.end, end) - Math.max(range.start, start));
  return within.reduce((sum, covered) => sum + Math.max(0, covered), 0) === end - start;
}

/** @throws ProtocolError when a payload is written in another way than is due, or its bytes are not as many. */
function bytesOf(
  task: TaskReduction,
  node: TreeNode,
  payload: PayloadHeader,
  bytes: Uint8Array | undefined,
): Uint8Array {
  const { name, dtype } = payload;
  const due = name === "gradient" ? dtypeOf(task, node, dtype) : name === "metrics" ? "F64" : dtype;
  if (dtype !== due)
    throw new ProtocolError(`payload "${name}" of node ${nodeName(node)} is ${dtype}, not ${due}`);
  const expected =
    name === "gradient"
      ? gradientBytes(task, node, payload.slice?.numbers ?? 0, dtype)
      : name === "metrics"
        ? (task.metrics?.names.length ?? 0) * 8
        : bytes?.byteLength;
  if (bytes && bytes.byteLength === expected) return bytes;
  throw new ProtocolError(
    `payload "${payload.name}" has ${bytes?.byteLength ?? 0} bytes, not ${expected ?? "any"}`,
  );
}

/** The one that is due, or of those that a sender may choose from the one that he chose. */
function dtypeOf(
  { codec, feedback }: TaskReduction,
  node: TreeNode,
  said: PayloadHeader["dtype"],
): PayloadHeader["dtype"] {
  const [first] = feedback;
  if (!first) return gradientDtype(codec, node);
  return feedbackDtype(feedbackOf(said, feedback) ?? first);
}

function gradientBytes(
  { codec, feedback }: TaskReduction,
  node: TreeNode,
  numbers: number,
  dtype: PayloadHeader["dtype"],
): number {
  const chosen = feedbackOf(dtype, feedback);
  if (chosen) return feedbackBytes(chosen, numbers);

  return codec && isRounded(codec, node.level) ? encodedBytes(codec.codec, numbers) : numbers * 4;
}

/** @param at where it is likely to be among the task's slices */
function sliceFor(task: TaskReduction, slice: Slice | undefined, at: number): SliceReduction {
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

function collectorFor(task: TaskReduction, name: string, bytesEach: number): Collector {
  let collector = task.kept.get(name);
  if (!collector) {
    collector = createCollector({ slots: task.plan.slots, bytesEach });
    task.kept.set(name, collector);
  }
  return collector;
}

function slotOf(message: MessageOf<"push">): number {
  if (message.node.level !== 0)
    throw new ProtocolError("a payload kept apart belongs to a single slot (level 0)");
  return message.node.index;
}

/** What a relay says that its sum is made of. @throws ProtocolError when that is not just the sum's slots */
function partsOf({ plan }: TaskReduction, { node, parts }: MessageOf<"push">): ReceivedNodes | undefined {
  if (parts === undefined) return undefined;
  const nodes = parts.map(([level, index]) => ({ level, index }));
  if (isPartition(node, nodes, plan.slots)) return parts;
  throw new ProtocolError(`node ${nodeName(node)} is not made of ${nodes.map(nodeName).join(", ")}`);
}

function noteNode(
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

function recordOf(task: TaskReduction): Omit<TaskRecord, "shards"> {
  const values = task.metrics?.reducer.result();
  return {
    task: task.plan.task,
    round: task.round.index,
    slots: task.plan.slots,
    samples: task.plan.samples,
    // A record has no word for what is not finite; what may be committed without is for the leader to say.
    metrics: Object.fromEntries(
      (task.metrics?.names ?? [])
        .map((name, place) => [name, values?.[place] ?? Number.NaN] as const)
        .filter(([, value]) => Number.isFinite(value)),
    ),
  };
}

/** Slots of a task that one of its reducers lacks, as ranges of training slots: what leases are made of. */
function missingLeases(spec: RunSpec, { plan, round, slices, metrics }: TaskReduction): Lease[] {
  const covered = new Uint8Array(plan.slots).fill(1);
  for (const { reducer } of [...slices, ...(metrics ? [metrics] : [])]) {
    if (reducer.isComplete()) continue;
    const own = new Uint8Array(plan.slots);
    for (const { node } of reducer.heldNodes()) {
      const { start, end } = nodeRange(node, plan.slots);
      own.fill(1, start, end);
    }
    for (let slot = 0; slot < plan.slots; slot++) if (own[slot] === 0) covered[slot] = 0;
  }
  const trainingSlots = spec.tasks[plan.taskIndex]?.slots ?? 0;
  const missing: Lease[] = [];
  for (let slot = 0; slot < trainingSlots; slot++) {
    const lease = { task: plan.task, start: slot, end: slot + 1 };
    const { start, end } = leasedSlots(spec, round, plan, lease);
    if (!covered.subarray(start, end).includes(0)) continue;
    const last = missing.at(-1);
    if (last?.end === slot) last.end = slot + 1;
    else missing.push(lease);
  }
  return missing;
}
