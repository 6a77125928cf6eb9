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

  it("hides every GPU for the device cpu", () => {
    expect(nativeEnvironment({ device: "cpu" }).CUDA_VISIBLE_DEVICES).toBe("-1");
  });
});
