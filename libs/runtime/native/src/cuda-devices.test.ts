import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { visibleCudaDevices } from "./cuda-devices.ts";

const roots: string[] = [];

function machineWith(...files: readonly string[]): string {
  const root = mkdtempSync(path.join(os.tmpdir(), "cuda-devices-"));
  roots.push(root);
  for (const name of files) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15\n");
  }
  return root;
}

const driver = "proc/driver/nvidia/version";
const twoGpus = ["dev/nvidia0", "dev/nvidia1", "dev/nvidiactl", "dev/nvidia-uvm", driver];

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

describe("the CUDA devices of a machine", () => {
  it("are none without a driver, whatever a variable says", () => {
    expect(visibleCudaDevices({ CUDA_VISIBLE_DEVICES: "0" }, machineWith())).toEqual([]);
  });

  it("are counted by the driver's device files alone", () => {
    expect(visibleCudaDevices({}, machineWith(...twoGpus))).toEqual(["0", "1"]);
  });

  it("are those that the environment leaves visible, by number or UUID", () => {
    const root = machineWith(...twoGpus);
    expect(visibleCudaDevices({ CUDA_VISIBLE_DEVICES: "1, GPU-8c1e" }, root)).toEqual(["1", "GPU-8c1e"]);
  });

  it("end at the first entry that names no device, as CUDA has it", () => {
    const root = machineWith(...twoGpus);
    expect(visibleCudaDevices({ CUDA_VISIBLE_DEVICES: "1,-1,0" }, root)).toEqual(["1"]);
    expect(visibleCudaDevices({ CUDA_VISIBLE_DEVICES: "" }, root)).toEqual([]);
  });

  it("are one where the driver shows no device file", () => {
    expect(visibleCudaDevices({}, machineWith("dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"))).toEqual(["0"]);
  });
});
