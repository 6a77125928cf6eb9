export { baselineName } from "./baseline-graph.ts";
export {
  type Compute,
  type ComputeModel,
  estimateNames,
  type InferenceRequest,
  type MappedWeights,
  type MicroBatch,
  type MicroBatchResult,
} from "./compute.ts";
export { type AugmentPlan, type AugmentSpec, type SampleLevels } from "./augmentation.ts";
export {
  type AdversarialLatent,
  type LatentSpec,
  type NoiseSpec,
  type PenaltySpec,
  type VariationalLatent,
  type VectorQuantisedLatent,
} from "./autoencoder.ts";
export {
  type BoundTerm,
  comparedNode,
  type GraphNode,
  lossNodes,
  type LossTerm,
  type MeasuredTerm,
  type ModelPhase,
  nodesRead,
  type ParameterRef,
  type ReconstructionTerm,
  type TaskGraph,
} from "./graph.ts";
export { decoderGraph, decoderName } from "./decoder-graph.ts";
export { type HeadTerm } from "./head-terms.ts";
export { type DiscriminatorTerm, type LatentTerm, type Posterior } from "./latent-terms.ts";
export { isHeadTerm, measuredTerms, metricNames, metricsOf, partlyLabelled } from "./metrics.ts";
export {
  type ActivationName,
  type InitialiserName,
  type LayerSpec,
  type UserLayer,
  type UserLayerContext,
} from "./layers.ts";
export {
  type CategoryBlock,
  type DataColumn,
  type DataShape,
  type HeadDescription,
  type LabelledShare,
  type LatentDescription,
  type ModelDescription,
  type ModelKind,
  type SharingKind,
  type ReconstructionDescription,
  type TaskDescription,
} from "./description.ts";
export { type CompleteLayer, completeLayer } from "./layer-defaults.ts";
export { type ResolvedModel, resolveModel } from "./resolve-model.ts";
export { type UserLoss } from "./user-loss.ts";
