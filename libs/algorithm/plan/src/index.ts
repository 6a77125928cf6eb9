export {
  autoCodecs,
  type CompressionSpec,
  furtherSections,
  keepsBits,
  owedSection,
  pushCodec,
  pushFeedback,
} from "./compression.ts";
export { leasedSlots, type LeaseRange, slotMicroBatches, slotSamples } from "./leases.ts";
export {
  type AsyncSpec,
  type DilocoSpec,
  innerSteps,
  type ModeSpec,
  serverOptimiser,
  type StaleSpec,
} from "./mode.ts";
export { fenceAfter, isOrdered, mostStaleness, planApplied, rateShare, sideBySide } from "./order.ts";
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
export { dealSampling } from "./sampling.ts";
export { createStepPace, type StepPace } from "./step-pace.ts";
