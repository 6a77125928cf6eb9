import { formatBytes } from "@latentweave/native";
import type { BackendReport, DoctorReport } from "./report-shape.ts";

/** The report as a person reads it, a line per fact, problems and what to do about them last. */
export function formatDoctor(report: DoctorReport): string {
  const { native, chosen } = report;
  const facts: readonly (readonly [string, string])[] = [
    ["Node.js", `${report.node.version}${report.node.supported ? "" : " (too old)"}`],
    ["system", `${report.system.name}, ${report.system.platform}`],
    ["CPU", `${report.cpu.model}, ${report.cpu.threads} threads, ${report.cpu.instructionSet}`],
    ["memory", `${formatBytes(report.memory.totalBytes)}, ${formatBytes(report.memory.freeBytes)} free`],
    ["/dev/shm", report.sharedMemory === null ? "none" : formatBytes(report.sharedMemory.totalBytes)],
    ["GPU", describeGpu(report)],
    ["npm", report.tools.npm ?? "not found"],
    ["pip", report.tools.pip ?? "not found"],
    ["C++ compiler", report.tools.compiler ?? "not found"],
    ["native runtime", describeNative(native)],
    ["kept memory", describePageMap(report)],
    ["kernels", describeKernels(report)],
    ["programs", describePrograms(report)],
  ];
  const lines = facts.map(([name, value]) => `${name.padEnd(15)} ${value}`);
  lines.push(...native.notes.map((note) => `${" ".repeat(16)}${note}`));
  lines.push(
    "",
    "Backends, in the order in which they are chosen (a dense autoencoder step of 64 samples, one thread):",
  );
  for (const backend of report.backends) lines.push(`  ${describeBackend(backend, chosen?.name)}`);
  lines.push("");
  lines.push(chosen === null ? "No backend works here." : `Chosen: ${chosen.name}, because ${chosen.why}.`);
  if (report.problems.length === 0) lines.push("No problems found.");
  for (const { what, mend } of report.problems) {
    lines.push(`Problem: ${what}`, ...mend.map((text) => `  to mend:  ${text}`));
  }
  return `${lines.join("\n")}\n`;
}

function describeGpu({ nvidia }: DoctorReport): string {
  switch (nvidia.kind) {
    case "none":
      return "no NVIDIA device";
    case "device-without-driver":
      return `${nvidia.deviceCount} NVIDIA device(s), but no driver`;
    case "driver-too-old":
      return `NVIDIA driver ${nvidia.driverVersion} is too old for CUDA 12`;
    case "driver":
      return nvidia.devices.length > 0
        ? nvidia.devices.join("; ")
        : `NVIDIA driver ${nvidia.driverVersion ?? "found"}`;
  }
}

function describeNative(native: DoctorReport["native"]): string {
  if (native.state === "ready") {
    const how = native.how === "wheel" ? "compiled here" : "the package's own download";
    return `TensorFlow ${native.tensorflow} (${native.variant}, ${how}) in ${native.directory}`;
  }
  const cost = native.downloadBytes === null ? "" : `; setup downloads ${formatBytes(native.downloadBytes)}`;
  return `${native.state}: ${native.reason}${cost}`;
}

function describeKernels({ kernels }: DoctorReport): string {
  return kernels.reason === null
    ? "sums and updates are compiled for this processor, with the bits of the WebAssembly module"
    : `sums and updates in WebAssembly: ${kernels.reason}`;
}

function describePrograms({ programs }: DoctorReport): string {
  return programs.file === null
    ? "no addon: a micro-batch's operations are run one by one"
    : "a micro-batch is one call of TensorFlow";
}

function describePageMap({ pageMap }: DoctorReport): string {
  return pageMap.file === null
    ? "no addon: a parameter-server shard that dies takes the run back to its last checkpoint"
    : "a parameter-server shard's state outlives its process";
}

function describeBackend(backend: BackendReport, chosen: string | undefined): string {
  const name = `${backend.name === chosen ? "*" : " "} ${backend.name.padEnd(8)}`;
  if (!backend.available) return `${name} not available: ${backend.reason ?? "unknown"}`;
  if (backend.stepMs === null || backend.samplesPerSecond === null) return `${name} available`;
  const speed = `${backend.stepMs.toFixed(1).padStart(8)} ms a step, ${Math.round(backend.samplesPerSecond)} samples/s`;
  const device = backend.determinismClass?.gpu;
  const slower = backend.timesSlower !== null && backend.timesSlower > 1.05;
  return `${name} ${speed}${device === undefined ? "" : ` on ${device}`}${slower ? `, ${backend.timesSlower.toFixed(1)} times slower` : ""}`;
}
