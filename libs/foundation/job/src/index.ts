export { adversarial, variational, vectorQuantised } from "./autoencoder-functions.ts";
export { applySettings } from "./apply-settings.ts";
export { type CombinerName, combinerNames, combinerParts, type ResolvedCombiner } from "./combiner-schema.ts";
export { type DatasetName, datasetNames, type DataSource, dataSourceSchema } from "./data-source.ts";
export { optimisersByPattern } from "./latent-optimisers.ts";
export { type JobChange, jobChanges } from "./job-changes.ts";
export { defineJob, type JobInput } from "./job-schema.ts";
export {
  activation,
  averagePooling,
  convolution,
  dense,
  dropout,
  flatten,
  maxPooling,
  normalisation,
  reshape,
  transposedConvolution,
  userLayer,
} from "./layer-functions.ts";
export { type ResolvedGuard } from "./guard-schema.ts";
export { JobError, type Problem } from "./problem.ts";
export {
  type RegulariserName,
  regulariserNames,
  regulariserParts,
  type ResolvedRegulariser,
  type ResolvedRegulariserOptions,
} from "./regulariser-schema.ts";
export { resolveJob } from "./resolve-job.ts";
export {
  type ResolvedCheckpoints,
  type ResolvedCompression,
  type ResolvedCompute,
  type ResolvedEvaluation,
  type ResolvedHead,
  type ResolvedJob,
  type ResolvedLauncher,
  type ResolvedMode,
  type ResolvedModelSpec,
  type ResolvedOptimiser,
  type ResolvedSchedule,
  type ResolvedStart,
  type ResolvedTask,
} from "./resolved-job.ts";
export type { TextSource } from "./text-source.ts";
export { type ResolvedSampling } from "./sampling-schema.ts";
export { runLength, type RunPhase, stepsPerEpoch } from "./run-length.ts";
export { nearest } from "./nearest.ts";
export { fitsPattern } from "./fits-pattern.ts";
