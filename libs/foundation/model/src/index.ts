export {
  type Compute,
  type ComputeModel,
  type InferenceRequest,
  type MappedWeights,
  type MicroBatch,
  type MicroBatchResult,
} from "./compute.ts";
export {
  type GraphNode,
  type LossTerm,
  metricNames,
  type ModelPhase,
  type ParameterRef,
  sourcesOf,
  type TaskGraph,
} from "./graph.ts";
export {
  type ActivationName,
  type InitialiserName,
  type LayerSpec,
  type UserLayer,
  type UserLayerContext,
} from "./layers.ts";
export {
  type DataColumn,
  type DataShape,
  type HeadDescription,
  type LatentDescription,
  type ModelDescription,
  type ModelKind,
  type SharingKind,
  type TaskDescription,
} from "./description.ts";
export { type CompleteLayer, completeLayer } from "./layer-defaults.ts";
export { type ResolvedModel, resolveModel } from "./resolve-model.ts";
