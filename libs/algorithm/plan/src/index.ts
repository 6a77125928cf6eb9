export { beginSampling, dealAnew, dealAt, type SamplingState } from "./adaptive-sampling.ts";
export {
  autoCodecs,
  averageSection,
  type CompressionSpec,
  keepsBits,
  owedSection,
  pushCodec,
  pushFeedback,
  sparseSection,
} from "./compression.ts";
export {
  afterEvaluation,
  earlyEnd,
  type EarlyStopSpec,
  type EarlyStopState,
  freshEarlyStop,
  heldOutLoss,
} from "./held-out.ts";
export {
  hasEndedEarly,
  joinLeaderState,
  leaderDeals,
  type LeaderState,
  splitLeaderState,
} from "./leader-state.ts";
export { besideBaselines, evaluatedLosses } from "./evaluated-losses.ts";
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
  lastStep,
  nextCheckpoint,
  planStep,
  type RoundPlan,
  samplesBefore,
  type StepPlan,
  type TaskRound,
  totalSteps,
} from "./plan-step.ts";
export { type CoordinateRule, isWeighing, type RobustSpec, staysApart, type WeighingRule } from "./robust.ts";
export {
  type EvaluationSpec,
  type GuardSpec,
  ownTasks,
  type PhaseSpec,
  type RunSpec,
  type TaskSpec,
} from "./run-spec.ts";
export { adaptiveSpec, dealSampling } from "./sampling.ts";
export { createStepPace, type StepPace } from "./step-pace.ts";
export { optimiserStates, stateSections } from "./state-sections.ts";
