export {
  type SlotRange,
  isAncestor,
  isNodeOf,
  isPartition,
  maximalNodes,
  nodeName,
  nodeRange,
  parentOf,
  rootLevel,
  rootOf,
  siblingOf,
} from "./tree.ts";
export { type Agreement, addAgreement, addRounding, cosineOf, isMeasured, noAgreement } from "./agreement.ts";
export { type Ask, type AskedTask, type Asking, createAsking } from "./asking.ts";
export { portionField, portionsOf } from "./portions.ts";
export { alignedSplit } from "./split.ts";
export {
  type Acceptance,
  type Reducer,
  type Rounding,
  ForeignNodeError,
  IncompleteReductionError,
  createReducer,
} from "./reducer.ts";
export {
  type Float32Values,
  type KeptFloat32Values,
  type KeptVector,
  type ValueStore,
  PayloadLengthError,
  float32Values,
  float64Values,
  keptFloat32Values,
} from "./value-store.ts";
export { type TreeCodec, gradientDtype, isRounded, travellingNodes, travels } from "./tree-codec.ts";
export { type CodecChoice, createCodecChoice } from "./codec-choice.ts";
export { feedbackDtype, feedbackOf } from "./feedback-dtype.ts";
export { type Collector, createCollector } from "./collector.ts";
export { coordinateWise } from "./robust/coordinate-wise.ts";
export { createSlotValues, type SlotValues } from "./robust/slot-values.ts";
export { createSliceValues } from "./robust/slice-values.ts";
export { leastSlots, slotWeights } from "./robust/slot-weights.ts";
export { type Arrival, type StepReduction, createStepReduction } from "./step/step-reduction.ts";
export { checkIsNode } from "./step/push-checks.ts";
export { type SliceReduction, type TaskReduction, payloadsDue } from "./step/task-reduction.ts";
