import type { Arithmetic } from "@latentweave/arithmetic";
import { learningRateAt } from "@latentweave/optim";
import { type DilocoSpec, type RunSpec, type StepPlan, type TaskRound, totalSteps } from "@latentweave/plan";

/** What a run's mode makes of a step's contributions; all else about a step is the same in every mode. */
export interface UpdateRule {
  /** What turns the sum of a task's contributions into its gradient. */
  share(task: Pick<TaskRound, "taskIndex" | "slots">): number;
  /**
   * Of the update on the parameter server; every shard computes it for itself, to the same bits.
   * @param base the rate before any schedule; default the job's own
   */
  rateAt(plan: StepPlan, base?: number): number;
  /** What the record and the page call the step's learning rate: that of the job's own optimiser. */
  recordedRateAt(plan: StepPlan): number;
}

export function createUpdateRule(spec: RunSpec, arithmetic: Pick<Arithmetic, "cos" | "pow">): UpdateRule {
  return spec.mode?.kind === "diloco"
    ? replicaRule(spec, spec.mode, arithmetic)
    : gradientRule(spec, arithmetic);
}

/**
 * Contributions are gradients summed over samples; the task's gradient is that of its weighted mean loss. Where sampling is
 * adaptive the mean is over the samples that the job begins with: a sample counts the same however many its task has, as
 * if each were drawn by the shares, and no shard but the leader needs to know them.
 */
function gradientRule(spec: RunSpec, arithmetic: Pick<Arithmetic, "cos" | "pow">): UpdateRule {
  const rateAt = (plan: StepPlan, base?: number): number => scheduledRate(spec, plan, arithmetic, base);
  return {
    share({ taskIndex, slots }) {
      const { weight, microBatch } = spec.tasks[taskIndex] ?? { weight: 1, microBatch: 1 };
      return weight / (slots * microBatch);
    },
    rateAt,
    recordedRateAt: rateAt,
  };
}

/** Contributions are replicas' ways, in units of parameters; the task's gradient is their mean. */
function replicaRule(
  spec: RunSpec,
  { outer }: DilocoSpec,
  arithmetic: Pick<Arithmetic, "cos" | "pow">,
): UpdateRule {
  return {
    share: (task) => 1 / task.slots,
    rateAt: () => outer.learningRate,
    recordedRateAt: (plan) => scheduledRate(spec, plan, arithmetic),
  };
}

function scheduledRate(
  spec: RunSpec,
  plan: StepPlan,
  arithmetic: Pick<Arithmetic, "cos" | "pow">,
  base = spec.optimiser.learningRate,
): number {
  const phaseSteps = spec.phases[plan.phase]?.steps ?? totalSteps(spec);
  return learningRateAt(spec.schedule, base, plan.phaseStep, phaseSteps, arithmetic);
}
