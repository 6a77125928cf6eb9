import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type VariantName, variants } from "./recipe.ts";

/** What is known of NVIDIA hardware without starting a process, so that the check stays instant. */
export type NvidiaState =
  | { readonly kind: "none" }
  | { readonly kind: "device-without-driver"; readonly deviceCount: number }
  | { readonly kind: "driver-too-old"; readonly driverVersion: string }
  | { readonly kind: "driver"; readonly driverVersion: string | null };

/** Which pinned variant fits this machine, or why none does. */
export type VariantChoice =
  | {
      readonly kind: "variant";
      readonly name: VariantName;
      readonly nvidia: NvidiaState;
      readonly notes: string[];
    }
  | { readonly kind: "unsupported"; readonly reason: string; readonly nvidia: NvidiaState };

/** CUDA 12 runs on any driver of this major version or later (NVIDIA's minor-version compatibility). */
const oldestDriverMajor = 525;

/** Looks for NVIDIA devices and their driver under `root` ("/" outside tests). */
export function probeNvidia(root = "/"): NvidiaState {
  const versionFile = path.join(root, "proc/driver/nvidia/version");
  if (existsSync(versionFile)) {
    const driverVersion = /\b(\d{3,}\.\d+(?:\.\d+)?)\b/.exec(readFileSync(versionFile, "utf8"))?.[1] ?? null;
    if (driverVersion !== null && Number.parseInt(driverVersion, 10) < oldestDriverMajor) {
      return { kind: "driver-too-old", driverVersion };
    }
    return { kind: "driver", driverVersion };
  }
  // WSL2 passes the Windows driver through: no /proc entry, but its library lies at a fixed place.
  if (existsSync(path.join(root, "dev/dxg")) && existsSync(path.join(root, "usr/lib/wsl/lib/libcuda.so.1"))) {
    return { kind: "driver", driverVersion: null };
  }
  const deviceCount = countNvidiaPciDevices(path.join(root, "sys/bus/pci/devices"));
  return deviceCount > 0 ? { kind: "device-without-driver", deviceCount } : { kind: "none" };
}

function countNvidiaPciDevices(directory: string): number {
  let count = 0;
  for (const device of existsSync(directory) ? readdirSync(directory) : []) {
    try {
      const vendor = readFileSync(path.join(directory, device, "vendor"), "utf8").trim();
      const deviceClass = readFileSync(path.join(directory, device, "class"), "utf8").trim();
      // 0x03....: display controllers, 3D accelerators included.
      if (vendor === "0x10de" && deviceClass.startsWith("0x03")) count += 1;
    } catch {
      // A device that vanishes or may not be read is no device for us.
    }
  }
  return count;
}

/** The facts that choose a variant; a test passes its own. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** glibc's version, or null on musl and outside Linux. */
  readonly glibc: string | null;
  readonly nvidia: NvidiaState;
}

/** This machine's facts. */
export function thisMachine(): Machine {
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: process.platform === "linux" ? glibcVersion() : null,
    nvidia: process.platform === "linux" ? probeNvidia() : { kind: "none" },
  };
}

function glibcVersion(): string | null {
  // Without this the report looks up the names of network peers, which can take seconds.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  report.excludeNetwork = true;
  const content = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return content.header?.glibcVersionRuntime ?? null;
}

/** `forced` is LATENTWEAVE_NATIVE_VARIANT: a variant's name, for trying one out or preparing a bundle for other machines. */
export function chooseVariant(machine: Machine, forced?: string): VariantChoice {
  const { nvidia } = machine;
  const notes: string[] = [];
  if (forced !== undefined && forced !== "") {
    if (!(forced in variants)) {
      const known = Object.keys(variants).join(", ");
      return {
        kind: "unsupported",
        reason: `LATENTWEAVE_NATIVE_VARIANT is "${forced}"; known are ${known}`,
        nvidia,
      };
    }
    return {
      kind: "variant",
      name: forced as VariantName,
      nvidia,
      notes: [`variant ${forced} forced by LATENTWEAVE_NATIVE_VARIANT`],
    };
  }
  const platform = `${machine.platform}-${machine.arch}`;
  if (machine.platform === "linux" && machine.glibc === null) {
    return {
      kind: "unsupported",
      reason: "TensorFlow has no build for musl (Alpine and the like); a glibc-based image has one",
      nvidia,
    };
  }
  if (nvidia.kind === "device-without-driver") {
    notes.push(
      `${nvidia.deviceCount} NVIDIA device(s) found, but no driver (/proc/driver/nvidia is missing): the CPU is used. ` +
        "Install NVIDIA's driver, or start the container with --gpus all, then run setup again.",
    );
  }
  if (nvidia.kind === "driver-too-old") {
    notes.push(
      `NVIDIA driver ${nvidia.driverVersion} is too old for CUDA 12 (${oldestDriverMajor} or later is needed): the CPU is used.`,
    );
  }
  if (platform === "linux-x64") {
    return {
      kind: "variant",
      name: nvidia.kind === "driver" ? "cuda12-linux-x64" : "cpu-linux-x64",
      nvidia,
      notes,
    };
  }
  if (platform === "linux-arm64") {
    if (nvidia.kind === "driver") notes.push("TensorFlow has no CUDA build for arm64: the CPU is used.");
    return { kind: "variant", name: "cpu-linux-arm64", nvidia, notes };
  }
  if (platform === "darwin-arm64") return { kind: "variant", name: "cpu-darwin-arm64", nvidia, notes };
  const mend = machine.platform === "win32" ? "; on Windows use WSL2" : "";
  return { kind: "unsupported", reason: `TensorFlow ${platform} has no native build here${mend}`, nvidia };
}
