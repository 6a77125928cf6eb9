export { visibleCudaDevices } from "./cuda-devices.ts";
export { type DeviceId, parseDevice } from "./device.ts";
export { findNativeRuntime, nativeRoot, type NativeRuntime, readRuntime, variantHere } from "./location.ts";
export {
  chooseVariant,
  type Machine,
  type NvidiaState,
  probeNvidia,
  thisMachine,
  type VariantChoice,
} from "./machine.ts";
export {
  cudaVersions,
  downloadBytes,
  runtimeKey,
  type Variant,
  type VariantName,
  variants,
} from "./recipe.ts";
export { installNative, type InstallOptions, type InstallOutcome, pinnedVersions } from "./install.ts";
export { entryFile } from "./entry/entry-file.ts";
export { addons, type AddonState, ensureAddon, findAddon } from "./addons/addon.ts";
export { type Kernels, loadFastArithmetic, loadKernels } from "./addons/load-kernels.ts";
export {
  loadPrograms,
  type ProgramHandle,
  type Programs,
  type ProgramValues,
} from "./addons/load-programs.ts";
export { runSetup, type SetupOptions } from "./setup.ts";
export { exportBundle, importBundle } from "./bundle.ts";
export { findCompiler, findNpm, findPip, installAdvice } from "./build-tools.ts";
export { formatBytes, type Progress, stderrProgress } from "./progress.ts";
export { runCommand } from "./run-command.ts";
