export { type DatasetName, datasetNames, type DataSource, dataSourceSchema } from "./data-source.ts";
export {
  type ResolvedCheckpoints,
  type ResolvedCompute,
  type ResolvedEvaluation,
  type ResolvedHead,
  type ResolvedJob,
  type ResolvedLauncher,
  type ResolvedModelSpec,
  type ResolvedOptimiser,
  type ResolvedRegulariser,
  type ResolvedSchedule,
  type ResolvedTask,
} from "./resolved-job.ts";
