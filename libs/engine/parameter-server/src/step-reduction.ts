import {
  createCollector,
  createReducer,
  float32Values,
  float64Values,
  isAncestor,
  isNodeOf,
  nodeName,
  type Collector,
  type Reducer,
} from "@latentweave/aggregation";
import type { Arithmetic } from "@latentweave/arithmetic";
import { metricNames, type TaskGraph } from "@latentweave/model";
import type { ParameterLayout, Slice } from "@latentweave/parameters";
import type { RoundPlan, RunSpec, StepPlan, TaskRound } from "@latentweave/plan";
import type { MessageOf, PayloadHeader, TaskRecord, TreeNode } from "@latentweave/protocol";
import { ProtocolError } from "@latentweave/protocol";

/** One slice of a task's gradient, being summed over the task's slots. */
export interface SliceReduction {
  readonly slice: Slice;
  readonly reducer: Reducer<number>;
}

/** What one shard collects of one task in one round. */
export interface TaskReduction {
  readonly round: RoundPlan;
  readonly plan: TaskRound;
  readonly slices: readonly SliceReduction[];
  /** Leader only. */
  readonly metrics:
    { readonly names: readonly string[]; readonly reducer: Reducer<Float64Array> } | undefined;
  /** Payloads kept apart per micro-batch, by name; made when the first arrives. */
  readonly apart: Map<string, Collector>;
  /** Leader: nodes as they arrived, with their worker. */
  nodes: { level: number; index: number; workerId: string }[];
}

/**
 * All that a shard holds of the step in progress: per round and task the reducers of the slices it owns, and on the
 * leader those of the metrics. Made anew for each step; values return to the arena on `release`.
 */
export interface StepReduction {
  readonly plan: StepPlan;
  readonly tasks: readonly TaskReduction[];
  readonly duplicates: number;
  /** @throws ProtocolError when the payload is not one that this step, task and shard have. */
  accept(message: MessageOf<"push">, bytes: readonly Uint8Array[], workerId: string): void;
  /** Every gradient slice of every task is complete. */
  gradientsComplete(): boolean;
  metricsComplete(): boolean;
  records(): TaskRecord[];
  release(): void;
}

export function createStepReduction(options: {
  readonly arithmetic: Arithmetic;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly owned: readonly Slice[];
  readonly leader: boolean;
  readonly plan: StepPlan;
}): StepReduction {
  const { plan, leader } = options;
  const tasks = plan.rounds.flatMap((round) => round.tasks.map((task) => createTask(options, round, task)));
  let duplicates = 0;

  const find = (message: MessageOf<"push">): TaskReduction => {
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
    get duplicates() {
      return duplicates;
    },
    accept(message, bytes, workerId) {
      const task = find(message);
      checkNode(task, message.node);
      for (const [place, payload] of message.payloads.entries()) {
        const data = bytesOf(task, payload, bytes[place]);
        if (payload.reduce === "keep") {
          const collector = collectorFor(task, payload.name, data.byteLength);
          if (collector.accept(slotOf(message), data) === "duplicate") duplicates += 1;
        } else if (payload.name === "gradient") {
          const { reducer } = sliceFor(task, payload.slice);
          if (reducer.accept(message.node, data) === "duplicate") duplicates += 1;
        } else if (payload.name === "metrics" && task.metrics) {
          if (task.metrics.reducer.accept(message.node, data) === "duplicate") duplicates += 1;
          else noteNode(task, message, workerId);
        } else throw new ProtocolError(`payload "${payload.name}" is not one that this shard takes`);
      }
    },
    gradientsComplete: () => tasks.every((task) => task.slices.every(({ reducer }) => reducer.isComplete())),
    metricsComplete: () => !leader || tasks.every((task) => task.metrics?.reducer.isComplete() ?? true),
    records: () => tasks.map(recordOf),
    release() {
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
  const slices = owned
    .filter((slice) => groups.has(layout.groups[slice.group]?.name ?? ""))
    .map((slice) => ({
      slice,
      reducer: createReducer({ slots: plan.slots, values: float32Values(arithmetic, slice.numbers) }),
    }));
  const names = metricNames(graph);
  const metrics = leader
    ? { names, reducer: createReducer({ slots: plan.slots, values: float64Values(names.length) }) }
    : undefined;
  return { round, plan, slices, metrics, apart: new Map(), nodes: [] };
}

/** @throws ProtocolError when the tree over the task's slots has no such node. */
function checkNode(task: TaskReduction, node: TreeNode): void {
  if (isNodeOf(node, task.plan.slots)) return;
  throw new ProtocolError(
    `task "${task.plan.task}" has ${task.plan.slots} slots: there is no node ${nodeName(node)}`,
  );
}

/** @throws ProtocolError when the bytes of a payload are missing or not as many as it announces. */
function bytesOf(task: TaskReduction, payload: PayloadHeader, bytes: Uint8Array | undefined): Uint8Array {
  const expected =
    payload.name === "gradient"
      ? (payload.slice?.numbers ?? 0) * 4
      : payload.name === "metrics"
        ? (task.metrics?.names.length ?? 0) * 8
        : bytes?.byteLength;
  if (bytes && bytes.byteLength === expected) return bytes;
  throw new ProtocolError(
    `payload "${payload.name}" has ${bytes?.byteLength ?? 0} bytes, not ${expected ?? "any"}`,
  );
}

function sliceFor(task: TaskReduction, slice: Slice | undefined): SliceReduction {
  const found = task.slices.find(
    (own) =>
      own.slice.group === slice?.group &&
      own.slice.start === slice.start &&
      own.slice.numbers === slice.numbers,
  );
  if (found) return found;
  throw new ProtocolError(
    `task "${task.plan.task}" has no gradient slice at number ${slice?.start} of group ${slice?.group} on this shard`,
  );
}

function collectorFor(task: TaskReduction, name: string, bytesEach: number): Collector {
  let collector = task.apart.get(name);
  if (!collector) {
    collector = createCollector({ slots: task.plan.slots, bytesEach });
    task.apart.set(name, collector);
  }
  return collector;
}

function slotOf(message: MessageOf<"push">): number {
  if (message.node.level !== 0)
    throw new ProtocolError("a payload kept apart belongs to a single slot (level 0)");
  return message.node.index;
}

function noteNode(task: TaskReduction, message: MessageOf<"push">, workerId: string): void {
  task.nodes = task.nodes.filter((node) => !isAncestor(message.node, node));
  task.nodes.push({ ...message.node, workerId });
}

function recordOf(task: TaskReduction): TaskRecord {
  const values = task.metrics?.reducer.result();
  return {
    task: task.plan.task,
    round: task.round.index,
    slots: task.plan.slots,
    samples: task.plan.samples,
    nodes: task.nodes.map((node) => [node.level, node.index, node.workerId]),
    metrics: Object.fromEntries(
      (task.metrics?.names ?? []).map((name, place) => [name, values?.[place] ?? Number.NaN]),
    ),
  };
}
