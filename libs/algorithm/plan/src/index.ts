export { leasedSlots, type LeaseRange, slotMicroBatches, slotSamples } from "./leases.ts";
export { type DilocoSpec, innerSteps, serverOptimiser } from "./mode.ts";
export {
  type Control,
  initialControl,
  lastStep,
  planStep,
  type RoundPlan,
  samplesBefore,
  type StepPlan,
  type TaskRound,
  totalSteps,
} from "./plan-step.ts";
export { type EvaluationSpec, type PhaseSpec, type RunSpec, type TaskSpec } from "./run-spec.ts";
