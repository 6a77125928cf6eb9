export { canaryDigest } from "./model/canary.ts";
export { type ComputeBackend, createInlineCompute } from "./model/inline-compute.ts";
export { LayerError } from "./layers/layer.ts";
export { UnkeyedRandomError } from "./layers/refuse-unkeyed.ts";
export { UserModuleError } from "./layers/user-module.ts";
export { createMappedMemory, type MappedMemory } from "./model/mapped-memory.ts";
export { ComputeError } from "./thread/messages.ts";
export {
  ComputeThreadError,
  createThreadedCompute,
  type ThreadedCompute,
  type ThreadedComputeOptions,
} from "./thread/threaded-compute.ts";
export { loadBackend } from "./backend/load-backend.ts";
export type { BackendName, BackendOptions, LoadedBackend, Tf } from "./backend/loaded-backend.ts";
export {
  applyNativeEnvironment,
  availableThreads,
  nativeEnvironment,
  type NativeOptions,
} from "./backend/native-environment.ts";
export { doctorReport, type DoctorOptions } from "./doctor/doctor-report.ts";
export { formatDoctor } from "./doctor/format-doctor.ts";
export type { BackendReport, DoctorReport, Problem } from "./doctor/report-shape.ts";
export { fitLinearMap, type LinearMap, linearMapError } from "./baseline/least-squares.ts";
export { columnMeans, momentsOf, type Moments } from "./baseline/moments.ts";
export { fitPca, type Pca, pcaError, reconstructWithPca } from "./baseline/pca.ts";
export {
  classifierAccuracy,
  fitLinearClassifier,
  type LabelledRows,
  type LinearClassifier,
} from "./baseline/linear-classifier.ts";
