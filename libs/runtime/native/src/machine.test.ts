import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { chooseVariant, type Machine, probeNvidia } from "./machine.ts";

const roots: string[] = [];

function fakeRoot(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(os.tmpdir(), "machine-"));
  roots.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

const pci = (vendor: string, deviceClass: string) => ({
  "sys/bus/pci/devices/0000:01:00.0/vendor": `${vendor}\n`,
  "sys/bus/pci/devices/0000:01:00.0/class": `${deviceClass}\n`,
});
const driver = (version: string) => ({
  "proc/driver/nvidia/version": `NVRM version: NVIDIA UNIX x86_64 Kernel Module  ${version}  Tue Jan 1\nGCC version: 12.2.0\n`,
});

describe("finding NVIDIA hardware", () => {
  it("finds nothing on a machine without it", () => {
    expect(probeNvidia(fakeRoot(pci("0x8086", "0x030000")))).toEqual({ kind: "none" });
  });

  it("reads the driver's version", () => {
    expect(probeNvidia(fakeRoot(driver("550.54.15")))).toEqual({
      kind: "driver",
      driverVersion: "550.54.15",
    });
  });

  it("tells a device without a driver from no device", () => {
    const root = fakeRoot(pci("0x10de", "0x030200"));
    expect(probeNvidia(root)).toEqual({ kind: "device-without-driver", deviceCount: 1 });
  });

  it("takes NVIDIA's sound function for no GPU", () => {
    expect(probeNvidia(fakeRoot(pci("0x10de", "0x040300")))).toEqual({ kind: "none" });
  });

  it("refuses drivers that CUDA 12 cannot use", () => {
    expect(probeNvidia(fakeRoot(driver("470.82.01")))).toEqual({
      kind: "driver-too-old",
      driverVersion: "470.82.01",
    });
  });

  it("finds the driver that WSL2 passes through", () => {
    const root = fakeRoot({ "dev/dxg": "", "usr/lib/wsl/lib/libcuda.so.1": "" });
    expect(probeNvidia(root)).toEqual({ kind: "driver", driverVersion: null });
  });
});

describe("choosing a variant", () => {
  const linux: Machine = { platform: "linux", arch: "x64", glibc: "2.36", nvidia: { kind: "none" } };
  const nameOf = (machine: Machine, forced?: string) => {
    const choice = chooseVariant(machine, forced);
    return choice.kind === "variant" ? choice.name : choice.kind;
  };

  it("follows platform, processor and driver", () => {
    expect(nameOf(linux)).toBe("cpu-linux-x64");
    expect(nameOf({ ...linux, nvidia: { kind: "driver", driverVersion: "550.1" } })).toBe("cuda12-linux-x64");
    expect(nameOf({ ...linux, arch: "arm64" })).toBe("cpu-linux-arm64");
    expect(nameOf({ ...linux, platform: "darwin", arch: "arm64", glibc: null })).toBe("cpu-darwin-arm64");
  });

  it("says what to do where a device lacks its driver", () => {
    const choice = chooseVariant({ ...linux, nvidia: { kind: "device-without-driver", deviceCount: 2 } });
    expect(choice).toMatchObject({ kind: "variant", name: "cpu-linux-x64" });
    if (choice.kind === "variant") expect(choice.notes.join()).toMatch(/2 NVIDIA device.*no driver.*Install/);
  });

  it("has nothing for musl, Windows and old Macs, and says why", () => {
    expect(JSON.stringify(chooseVariant({ ...linux, glibc: null }))).toContain("musl");
    expect(JSON.stringify(chooseVariant({ ...linux, platform: "win32" }))).toContain("WSL2");
    expect(nameOf({ ...linux, platform: "darwin", arch: "x64" })).toBe("unsupported");
  });

  it("obeys a forced variant and refuses an unknown one", () => {
    expect(nameOf(linux, "cuda12-linux-x64")).toBe("cuda12-linux-x64");
    expect(nameOf(linux, "nonsense")).toBe("unsupported");
  });
});
