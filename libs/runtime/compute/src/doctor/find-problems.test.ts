import { beforeAll, describe, expect, it } from "vitest";
import { doctorReport } from "./doctor-report.ts";
import { findProblems } from "./find-problems.ts";
import type { DoctorReport } from "./report-shape.ts";

let healthy: DoctorReport;

beforeAll(async () => {
  const here = await doctorReport({ benchmarkMs: 0 });
  healthy = {
    ...here,
    node: { version: "v22.0.0", supported: true },
    nvidia: { kind: "none", devices: [] },
    sharedMemory: { path: "/dev/shm", totalBytes: 8e9, freeBytes: 8e9 },
    native: {
      state: "ready",
      variant: "cpu-linux-x64",
      directory: "/cache/native/x",
      tensorflow: "2.21.0",
      how: "wheel",
      downloadBytes: null,
      reason: null,
      notes: [],
    },
    pageMap: { file: "/cache/native/x/page_map.node" },
    kernels: { reason: null },
    programs: { file: "/cache/native/x/programs.node" },
    backends: here.backends.map((backend) => ({ ...backend, available: backend.name !== "webgpu" })),
  };
});

describe("what the doctor calls a problem", () => {
  it("finds none on a healthy machine", () => {
    expect(findProblems(healthy)).toEqual([]);
  });

  it("names what to install, and the size of the download, where the native runtime is absent", () => {
    const native = {
      ...healthy.native,
      state: "absent" as const,
      directory: null,
      downloadBytes: 324_000_000,
    };
    const problems = findProblems({ ...healthy, native, tools: { npm: "11", pip: null, compiler: null } });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.mend.join("\n")).toMatch(/python3?.*\n.*\n?.*latentweave setup .*324 MB/s);
  });

  it("says that a driver is missing where a device is there", () => {
    const nvidia = { kind: "device-without-driver" as const, deviceCount: 1, devices: [] };
    const native = { ...healthy.native, notes: ["1 NVIDIA device(s) found, but no driver"] };
    const problems = findProblems({ ...healthy, nvidia, native });
    expect(problems[0]?.what).toContain("no driver");
  });

  it("says that a GPU lies idle where the CUDA runtime computes on the CPU", () => {
    const nvidia = { kind: "driver" as const, driverVersion: "550.54.15", devices: ["0, NVIDIA L4"] };
    const on = (device: string) => ({
      ...healthy,
      nvidia,
      native: { ...healthy.native, variant: "cuda12-linux-x64" },
      backends: healthy.backends.map((backend) => ({ ...backend, determinismClass: { device } })),
    });
    expect(findProblems(on("cpu"))[0]?.what).toContain("TensorFlow cannot use it");
    expect(findProblems(on("gpu"))).toEqual([]);
  });

  it("tells a runtime that is there but broken from one that is absent", () => {
    const backends = healthy.backends.map((backend) =>
      backend.name === "native" ? { ...backend, available: false, reason: "libfoo is missing" } : backend,
    );
    const problems = findProblems({ ...healthy, backends });
    expect(problems[0]?.what).toContain("does not work: libfoo is missing");
    expect(problems[0]?.mend).toContain("npx latentweave setup");
  });

  it("says what a lost shard costs without the addon for kept memory, and how to get it", () => {
    const problems = findProblems({
      ...healthy,
      pageMap: { file: null },
      tools: { npm: "11", pip: "pip", compiler: null },
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.what).toContain("since the last checkpoint");
    expect(problems[0]?.mend.join("\n")).toMatch(/g(cc-c)?\+\+[^]*latentweave setup/);
  });

  it("warns of a small /dev/shm and of an old Node", () => {
    const sharedMemory = { path: "/dev/shm", totalBytes: 64e6, freeBytes: 64e6 };
    const problems = findProblems({
      ...healthy,
      sharedMemory,
      node: { version: "v18.0.0", supported: false },
    });
    expect(problems.map(({ what }) => what)).toEqual([
      "Node.js v18.0.0 is too old",
      expect.stringContaining("holds only 64 MB"),
    ]);
  });
});
