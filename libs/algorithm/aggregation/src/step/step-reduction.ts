import { leasedSlots, type RunSpec, type StepPlan } from "@latentweave/plan";
import type { Lease, MessageOf, ReceivedNodes, TaskRecord } from "@latentweave/protocol";
import { ProtocolError } from "@latentweave/protocol";
import { nodeRange } from "../tree.ts";
import { createOpenContributions } from "./open-contributions.ts";
import { bytesOf, checkNode, checkPortion, partsOf, slotOf } from "./push-checks.ts";
import {
  acceptGradient,
  collectorFor,
  createTaskReduction,
  isNoted,
  noteNode,
  sliceFor,
  type TaskReduction,
  type TaskReductionOptions,
} from "./task-reduction.ts";

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

export function createStepReduction(options: TaskReductionOptions): StepReduction {
  const { plan, leader } = options;
  const tasks = plan.rounds.flatMap((round) =>
    round.tasks.map((task) => createTaskReduction(options, round, task)),
  );
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
