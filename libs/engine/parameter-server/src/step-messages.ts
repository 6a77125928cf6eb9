import type { GuardDecision } from "@latentweave/multitask";
import type { RunSpec, StepPlan } from "@latentweave/plan";
import type { MessageOf, PausedTask, TaskRecord } from "@latentweave/protocol";
import type { Received } from "./leader.ts";
import { updates } from "./training.ts";

type ByShard = readonly (readonly [index: number, received: Received])[];

/** Mean loss per task in job order: of the gradient round where the task has one, else of its evaluation; 0 for none. */
export function lossesOf(
  spec: RunSpec,
  plan: StepPlan,
  records: readonly Omit<TaskRecord, "shards">[],
): number[] {
  const gradientRound = plan.rounds.find((round) => round.program === "gradient")?.index;
  return spec.tasks.map((task) => {
    const own = records.filter((entry) => entry.task === task.name);
    const record = own.find((entry) => entry.round === gradientRound) ?? own[0];
    return record ? (record.metrics.loss ?? Number.NaN) / record.samples : 0;
  });
}

/** What the guard decided, with the tasks' names. */
export function guardRecord(
  spec: RunSpec,
  decisions: readonly GuardDecision[],
): NonNullable<MessageOf<"committed">["guard"]> {
  return decisions.map(({ task, ...decision }) => ({ task: spec.tasks[task]?.name ?? "", ...decision }));
}

export function decideMessage(
  runId: string,
  timeline: number,
  plan: StepPlan,
  verdict: {
    readonly weights: readonly number[];
    readonly scale: number;
    readonly paused?: readonly PausedTask[];
    readonly slots?: readonly (readonly number[])[];
  },
): MessageOf<"decide"> {
  return {
    type: "decide",
    runId,
    timeline,
    step: plan.step,
    round: plan.rounds.length - 1,
    weights: [...verdict.weights],
    scale: verdict.scale,
    abandon: false,
    ...(verdict.slots && { slots: verdict.slots.map((own) => [...own]) }),
    ...(verdict.paused && { paused: verdict.paused.map(({ task }) => task) }),
    checkpoint: plan.checkpoint,
    last: plan.last,
  };
}

/** The step in progress is given up; nothing follows, but a checkpoint of the version that holds where there is none. */
export function abandonMessage(
  runId: string,
  timeline: number,
  step: number,
  checkpoint: boolean,
): MessageOf<"decide"> {
  return {
    type: "decide",
    runId,
    timeline,
    step,
    round: 0,
    weights: [],
    scale: 1,
    abandon: true,
    checkpoint,
    last: true,
  };
}

/** What the ledger is to keep of a step: the leader's own tasks, with what every shard received of each. */
export function commitRecord(
  options: Pick<
    MessageOf<"committed">,
    | "runId"
    | "timeline"
    | "learningRate"
    | "gradientNorm"
    | "gradients"
    | "paused"
    | "guard"
    | "deal"
    | "duplicates"
    | "timings"
    | "digest"
    | "order"
  > & {
    readonly plan: StepPlan;
    readonly tasks: readonly Omit<TaskRecord, "shards">[];
    readonly received: ByShard;
    /** No step follows, before the job's steps are over. */
    readonly ends?: boolean;
    readonly combiner?: string;
  },
): MessageOf<"committed"> {
  const { plan, tasks, received, ends = false, ...fields } = options;
  return {
    type: "committed",
    ...fields,
    step: plan.step,
    version: plan.step + (updates(plan) ? 1 : 0),
    tasks: tasks.map((task) => ({ ...task, shards: shardsOf(received, task) })),
    last: plan.last || ends,
  };
}

/** Who has sent what, of every task and round. */
export function taskNodes(
  tasks: readonly Omit<TaskRecord, "shards">[],
  received: ByShard,
): MessageOf<"unfit">["tasks"] {
  return tasks.map(({ task, round }) => ({ task, round, shards: shardsOf(received, { task, round }) }));
}

function shardsOf(
  received: ByShard,
  { task, round }: { readonly task: string; readonly round: number },
): TaskRecord["shards"] {
  return received.flatMap(([index, all]) =>
    all
      .filter((entry) => entry.task === task && entry.round === round)
      .map(({ nodes, sums }) => ({ index, nodes, ...(sums && { sums }) })),
  );
}
