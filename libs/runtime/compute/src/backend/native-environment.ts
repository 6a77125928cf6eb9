import os from "node:os";
import path from "node:path";
import { isMainThread } from "node:worker_threads";
import { type DeviceId, findNativeRuntime } from "@latentweave/native";

/** What decides the native backend's numbers besides its version and the machine. */
export interface NativeOptions {
  /** Intra-op threads; part of the job, never of the cluster. Default 1. */
  readonly threads?: number;
  /** Default: the first visible GPU where there is one. */
  readonly device?: DeviceId;
  /** oneDNN's own graph kernels. Off by default: without them the dense step is as fast and TensorFlow stays silent. */
  readonly oneDnn?: boolean;
  /** Upper limit for the instruction set, as ONEDNN_MAX_CPU_ISA spells it (e.g. AVX2), for a mixed fleet. */
  readonly maxCpuIsa?: string;
}

/**
 * Environment variables for a process that will load the native backend. TensorFlow reads them when its library is
 * loaded, so they are given to a spawned process, or set by `applyNativeEnvironment` before anything loads it.
 */
export function nativeEnvironment(options: NativeOptions = {}): Record<string, string> {
  const threads = String(options.threads ?? 1);
  const variables: Record<string, string> = {
    // One pool of `threads` threads for kernels; one thread that starts them, so kernels run in program order.
    TF_NUM_INTRAOP_THREADS: threads,
    TF_NUM_INTEROP_THREADS: "1",
    OMP_NUM_THREADS: threads,
    TF_ENABLE_ONEDNN_OPTS: options.oneDnn === true ? "1" : "0",
    TF_DETERMINISTIC_OPS: "1",
    TF_CUDNN_DETERMINISTIC: "1",
    // Autotuning picks the kernel that was faster this time, i.e. another one next time.
    TF_CUDNN_USE_AUTOTUNE: "0",
    TF_AUTOTUNE_THRESHOLD: "0",
    // TF32 keeps 10 bits of the mantissa.
    NVIDIA_TF32_OVERRIDE: "0",
    // Without it TensorFlow takes all of the GPU's memory, also from a second worker on the same device.
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    // nvidia-smi's order; CUDA's own puts the fastest first.
    CUDA_DEVICE_ORDER: process.env.CUDA_DEVICE_ORDER ?? "PCI_BUS_ID",
    CUBLAS_WORKSPACE_CONFIG: ":4096:8",
    // 2: errors only. Who looks for a fault may have set another level.
    TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? "2",
  };
  if (options.maxCpuIsa !== undefined) variables.ONEDNN_MAX_CPU_ISA = options.maxCpuIsa;
  if (options.device === "cpu") variables.CUDA_VISIBLE_DEVICES = "-1";
  else if (options.device !== undefined) variables.CUDA_VISIBLE_DEVICES = String(options.device);
  const runtime = findNativeRuntime();
  if (runtime?.cuda === true) {
    // Where XLA looks for ptxas and libdevice.
    const compilerDirectory = path.join(runtime.directory, "site", "nvidia", "cuda_nvcc");
    variables.XLA_FLAGS = `--xla_gpu_cuda_data_dir=${compilerDirectory}`;
  }
  return variables;
}

/**
 * Sets these variables in this very process, before TensorFlow is loaded. Only the main thread can: a worker thread's
 * `process.env` is a copy that native code does not see, so there the process must have been started with them.
 * Returns the names whose value native code would see differently from what was asked.
 */
export function applyNativeEnvironment(options: NativeOptions = {}): string[] {
  const different: string[] = [];
  for (const [name, value] of Object.entries(nativeEnvironment(options))) {
    if (isMainThread) process.env[name] = value;
    else if (process.env[name] !== value) different.push(name);
  }
  return different;
}

/** The physical limit that makes more threads pointless. */
export function availableThreads(): number {
  return os.availableParallelism();
}
