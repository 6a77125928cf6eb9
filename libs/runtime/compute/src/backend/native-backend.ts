import { createRequire } from "node:module";
import os from "node:os";
import { cudaVersions, type DeviceId, findNativeRuntime } from "@latentweave/native";
import { UserError } from "@latentweave/protocol";
import { hasOneDnnProduct } from "../layers/native-operations.ts";
import { nativeTensorFlow } from "../layers/native-tensorflow.ts";
import { cpuModel, instructionSet, nvidiaIdentity } from "./determinism-class.ts";
import type { BackendOptions, LoadedBackend, Tf } from "./loaded-backend.ts";
import { applyNativeEnvironment } from "./native-environment.ts";

/** null when setup has not made a runtime for this machine. Throws when one is there but cannot be loaded. */
export function loadNativeBackend(options: BackendOptions): LoadedBackend | null {
  const runtime = findNativeRuntime();
  if (runtime === null) return null;
  const threads = options.threads ?? 1;
  const unseen = applyNativeEnvironment({
    threads,
    ...(options.deviceId === undefined ? {} : { device: options.deviceId }),
    oneDnn: process.env.TF_ENABLE_ONEDNN_OPTS === "1",
    ...(process.env.ONEDNN_MAX_CPU_ISA === undefined ? {} : { maxCpuIsa: process.env.ONEDNN_MAX_CPU_ISA }),
  });
  // Only what changes numbers is worth an error.
  const decisive = unseen.filter(
    (name) => name !== "TF_CPP_MIN_LOG_LEVEL" && name !== "TF_FORCE_GPU_ALLOW_GROWTH",
  );
  if (decisive.length > 0) {
    throw new Error(
      `this thread's process was started without ${decisive.join(", ")}: give nativeEnvironment() to the process, ` +
        "or call applyNativeEnvironment() in its main thread before the compute thread starts",
    );
  }
  const require = createRequire(runtime.requireFrom);
  restoreRemovedUtilities(require("node:util") as Record<string, unknown>);
  let tf: Tf;
  try {
    tf = keepingLibraries(() => require("@tensorflow/tfjs-node-gpu") as Tf);
  } catch (error) {
    throw new UserError({
      what: `native TensorFlow cannot be loaded: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
      where: runtime.directory,
      mend: "remove this folder and run `npx latentweave setup` again, or choose another backend with --backend wasm",
      cause: error,
    });
  }
  // Only silences notices of the library.
  tf.env().set("PROD", true);
  const backend = nativeTensorFlow(tf);
  if (!backend) throw new Error("@tensorflow/tfjs-node-gpu has another backend than it had");
  const onGpu = backend.isUsingGpuDevice;
  if (!onGpu && options.deviceId !== undefined && options.deviceId !== "cpu")
    refuseDevice(options.deviceId, runtime.cuda);
  const isaLimit = process.env.ONEDNN_MAX_CPU_ISA;
  return {
    tf,
    name: "native",
    determinismClass: {
      backend: "native",
      device: onGpu ? "gpu" : "cpu",
      tensorflow: backend.binding.TF_Version,
      tfjs: tf.version_core,
      platform: `${process.platform}-${process.arch}`,
      cpu: cpuModel(),
      isa: instructionSet(isaLimit),
      threads: String(threads),
      oneDnn: process.env.TF_ENABLE_ONEDNN_OPTS ?? "0",
      products: hasOneDnnProduct(tf) ? "oneDNN" : "TensorFlow",
      ...(onGpu ? nvidiaIdentity(options.deviceId) : {}),
      ...(onGpu && runtime.how === "wheel" ? cudaVersions : {}),
    },
    notes:
      runtime.cuda && !onGpu && options.deviceId !== "cpu"
        ? ["The CUDA build of TensorFlow is in use but it found no usable GPU: computing on the CPU."]
        : [],
  };
}

/** A device was asked for by name: computing on the CPU in its stead would be slow, in other bits, and unnoticed. */
function refuseDevice(device: Exclude<DeviceId, "cpu">, isCuda: boolean): never {
  throw new UserError({
    what: isCuda
      ? `TensorFlow cannot use CUDA device ${device}`
      : `CUDA device ${device} was asked for, but the native runtime that is set up here is the CPU's`,
    mend: isCuda
      ? "see whether `nvidia-smi` lists it; with TF_CPP_MIN_LOG_LEVEL=0 in the environment TensorFlow says what it missed; --device cpu does without"
      : "run `npx latentweave setup` where the NVIDIA driver is installed, or compute with --device cpu",
  });
}

/**
 * tfjs-node calls two functions that Node 23 removed and that Node 22 warns about. They are put into `node:util`
 * (the object which CommonJS modules share), on every version, before it is loaded.
 */
function restoreRemovedUtilities(util: Record<string, unknown>): void {
  util.isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined;
  util.isArray = Array.isArray;
}

/** RTLD_NODELETE, which Node.js has no name for. */
const neverUnload: Partial<Record<NodeJS.Platform, number>> = { linux: 0x1000, darwin: 0x80 };

/**
 * Loads native add-ons for the life of the process. Node.js unloads those of a thread that ends; TensorFlow leaves
 * functions behind that run when the process exits, and where they are gone by then the exit is a crash.
 */
function keepingLibraries<T>(load: () => T): T {
  const flag = neverUnload[process.platform];
  if (flag === undefined) return load();
  const dlopen = process.dlopen.bind(process);
  process.dlopen = (module, file, flags = os.constants.dlopen.RTLD_LAZY) =>
    dlopen(module, file, flags | flag);
  try {
    return load();
  } finally {
    process.dlopen = dlopen;
  }
}
