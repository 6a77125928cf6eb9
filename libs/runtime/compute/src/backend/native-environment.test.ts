import { describe, expect, it } from "vitest";
import { nativeEnvironment } from "./native-environment.ts";

describe("the environment of a process that computes natively", () => {
  it("asks for one thread, deterministic kernels and full precision unless told otherwise", () => {
    expect(nativeEnvironment()).toMatchObject({
      TF_NUM_INTRAOP_THREADS: "1",
      TF_NUM_INTEROP_THREADS: "1",
      OMP_NUM_THREADS: "1",
      TF_DETERMINISTIC_OPS: "1",
      NVIDIA_TF32_OVERRIDE: "0",
    });
    expect(nativeEnvironment()).not.toHaveProperty("CUDA_VISIBLE_DEVICES");
  });

  it("takes threads, device and instruction set from the job", () => {
    const variables = nativeEnvironment({ threads: 4, device: 1, maxCpuIsa: "AVX2" });
    expect(variables).toMatchObject({
      TF_NUM_INTRAOP_THREADS: "4",
      OMP_NUM_THREADS: "4",
      CUDA_VISIBLE_DEVICES: "1",
      ONEDNN_MAX_CPU_ISA: "AVX2",
    });
  });

  it("counts devices as nvidia-smi does, and takes one by its UUID", () => {
    expect(nativeEnvironment({ device: "GPU-8c1e" })).toMatchObject({
      CUDA_VISIBLE_DEVICES: "GPU-8c1e",
      CUDA_DEVICE_ORDER: "PCI_BUS_ID",
    });
  });

  it("leaves room on a GPU for a second worker, and picks the same kernels every time", () => {
    expect(nativeEnvironment({ device: 0 })).toMatchObject({
      TF_FORCE_GPU_ALLOW_GROWTH: "true",
      TF_CUDNN_DETERMINISTIC: "1",
      TF_CUDNN_USE_AUTOTUNE: "0",
      CUBLAS_WORKSPACE_CONFIG: ":4096:8",
    });
  });

  it("hides every GPU for the device cpu", () => {
    expect(nativeEnvironment({ device: "cpu" }).CUDA_VISIBLE_DEVICES).toBe("-1");
  });
});
