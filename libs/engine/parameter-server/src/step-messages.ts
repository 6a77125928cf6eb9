import type { RunSpec, StepPlan } from "@latentweave/plan";
import type { MessageOf, TaskRecord } from "@latentweave/protocol";

/** Mean loss per task in job order: of the gradient round where the task has one, else of its evaluation; 0 for none. */
export function lossesOf(spec: RunSpec, plan: StepPlan, records: readonly TaskRecord[]): number[] {
  const gradientRound = plan.rounds.find((round) => round.program === "gradient")?.index;
  return spec.tasks.map((task) => {
    const own = records.filter((entry) => entry.task === task.name);
    const record = own.find((entry) => entry.round === gradientRound) ?? own[0];
    return record ? (record.metrics.loss ?? Number.NaN) / record.samples : 0;
  });
}

export function decideMessage(
  runId: string,
  plan: StepPlan,
  verdict: { readonly weights: readonly number[]; readonly scale: number },
): MessageOf<"decide"> {
  return {
    type: "decide",
    runId,
    step: plan.step,
    round: plan.rounds.length - 1,
    weights: [...verdict.weights],
    scale: verdict.scale,
    abandon: false,
    checkpoint: plan.checkpoint,
    last: plan.last,
  };
}

/** The step in progress is given up; nothing follows, but a checkpoint of the version that holds where there is none. */
export function abandonMessage(runId: string, step: number, checkpoint: boolean): MessageOf<"decide"> {
  return {
    type: "decide",
    runId,
    step,
    round: 0,
    weights: [],
    scale: 1,
    abandon: true,
    checkpoint,
    last: true,
  };
}
