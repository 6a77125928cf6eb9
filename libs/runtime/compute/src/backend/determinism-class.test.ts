import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { instructionSet, nvidiaIdentity } from "./determinism-class.ts";

const flags = new Set(["sse4_1", "avx", "avx2", "avx512bw", "avx512_vnni"]);

describe("the instruction set in a determinism class", () => {
  it("is the widest that the CPU has", () => {
    expect(instructionSet(undefined, flags)).toBe("AVX512_CORE_VNNI");
  });

  it("is cut to the limit that a mixed fleet sets", () => {
    expect(instructionSet("AVX2", flags)).toBe("AVX2");
  });

  it("stays what the CPU has where the limit is higher", () => {
    expect(instructionSet("AVX512_CORE_AMX", flags)).toBe("AVX512_CORE_VNNI");
  });

  it("is the architecture where the system lists no flags", () => {
    expect(instructionSet(undefined, null)).toBe(process.arch);
  });
});

describe("the GPU in a determinism class", () => {
  const root = mkdtempSync(path.join(os.tmpdir(), "nvidia-"));
  const gpus = { "0000:81:00.0": ["NVIDIA H200", "GPU-two"], "0000:17:00.0": ["NVIDIA L4", "GPU-one"] };
  for (const [bus, [model, uuid]] of Object.entries(gpus)) {
    mkdirSync(path.join(root, "gpus", bus), { recursive: true });
    writeFileSync(
      path.join(root, "gpus", bus, "information"),
      `Model: \t\t ${model}\nIRQ:   \t\t 42\nGPU UUID: \t ${uuid}\n`,
    );
  }
  writeFileSync(
    path.join(root, "version"),
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Tue Jan 1\nGCC version: 13.2.0\n",
  );
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it("is the one that was asked for, by its number in the order of the bus or by its UUID", () => {
    expect(nvidiaIdentity(0, root)).toEqual({ gpu: "NVIDIA L4", driver: "580.159.04" });
    expect(nvidiaIdentity("GPU-two", root)).toEqual({ gpu: "NVIDIA H200", driver: "580.159.04" });
  });

  it("is every model of the machine where none was asked for", () => {
    expect(nvidiaIdentity(undefined, root).gpu).toBe("NVIDIA H200, NVIDIA L4");
  });

  it("is unknown where the driver shows no files", () => {
    expect(nvidiaIdentity(0, path.join(root, "none"))).toEqual({ gpu: "unknown", driver: "unknown" });
  });
});
