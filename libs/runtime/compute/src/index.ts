export { type ComputeBackend, createInlineCompute } from "./model/inline-compute.ts";
export { loadBackend } from "./backend/load-backend.ts";
export type { BackendName, BackendOptions, LoadedBackend, Tf } from "./backend/loaded-backend.ts";
export {
  applyNativeEnvironment,
  availableThreads,
  nativeEnvironment,
  type NativeOptions,
} from "./backend/native-environment.ts";
