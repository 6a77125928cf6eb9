export {
  activation,
  adversarial,
  averagePooling,
  convolution,
  defineJob,
  dense,
  dropout,
  flatten,
  type JobInput,
  maxPooling,
  normalisation,
  reshape,
  transposedConvolution,
  userLayer,
  variational,
  vectorQuantised,
} from "@latentweave/job";
export type { Extension } from "./extension.ts";
export type { Combination, CombineInput, UserCombiner, UserRegulariser } from "@latentweave/multitask";
export type { UserDataset, UserRows } from "@latentweave/datasets";
export type { LayerSpec, UserLayer, UserLayerContext, UserLoss } from "@latentweave/model";
export { UserError } from "@latentweave/protocol";
export type { CommitPoint, RunEvent, RunSnapshot, StreamMessage } from "@latentweave/telemetry";
export { train, type TrainedRun, type TrainOptions } from "./train/train-job.ts";
