import os from "node:os";
import {
  addons,
  downloadBytes,
  findAddon,
  findCompiler,
  findNativeRuntime,
  findNpm,
  findPip,
  loadKernels,
  nativeRoot,
  probeNvidia,
  variantHere,
  variants,
} from "@latentweave/native";
import { cpuModel, instructionSet } from "../backend/determinism-class.ts";
import type { BackendName } from "../backend/loaded-backend.ts";
import { availableThreads } from "../backend/native-environment.ts";
import { findProblems } from "./find-problems.ts";
import type { BackendReport, DoctorReport } from "./report-shape.ts";
import { runBenchmark } from "./run-benchmark.ts";
import { nvidiaDevices, sharedMemory, systemName } from "./system-facts.ts";

export interface DoctorOptions {
  /** How long each backend is measured; 0 leaves the measurement away. */
  readonly benchmarkMs?: number;
}

const oldestNode = [20, 19] as const;

/** Looks at this machine. Takes some seconds, most of them for the benchmarks, which run one after another. */
export async function doctorReport(options: DoctorOptions = {}): Promise<DoctorReport> {
  const benchmarkMs = options.benchmarkMs ?? 1_000;
  const [npm, pip, compiler] = [await findNpm(), await findPip(), await findCompiler()];
  const nvidia = { ...probeNvidia(), devices: await nvidiaDevices() };
  const native = describeNative();
  const measured: BackendReport[] = [];
  for (const name of ["native", "wasm", "cpu"] as const)
    measured.push(await describeBackend(name, native, benchmarkMs));
  const webgpu: BackendReport = { ...unavailable("webgpu"), reason: "this version has no WebGPU backend" };
  const ordered = [measured[0], webgpu, measured[1], measured[2]].filter((backend) => backend !== undefined);
  const first = ordered.find((backend) => backend.available);
  const backends = ordered.map((backend) => ({ ...backend, timesSlower: slowdown(backend, first) }));
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const report: Omit<DoctorReport, "problems"> = {
    schema: 1,
    node: {
      version: process.version,
      supported: major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]),
    },
    system: { name: systemName(), platform: `${process.platform}-${process.arch}`, release: os.release() },
    cpu: {
      model: cpuModel(),
      threads: availableThreads(),
      instructionSet: instructionSet(process.env.ONEDNN_MAX_CPU_ISA),
    },
    memory: { totalBytes: os.totalmem(), freeBytes: os.freemem() },
    sharedMemory: sharedMemory(),
    tools: {
      npm,
      pip: pip === null ? null : `${[pip.command, ...pip.before].join(" ")} (${pip.version})`,
      compiler: compiler === null ? null : `${compiler.command} (${compiler.version})`,
    },
    nvidia,
    native,
    pageMap: { file: findAddon(addons.pageMap) },
    kernels: describeKernels(),
    programs: { file: findAddon(addons.programs) },
    backends,
    chosen: first === undefined ? null : { name: first.name, why: whyChosen(first.name, backends) },
  };
  return { ...report, problems: findProblems(report) };
}

function describeKernels(): DoctorReport["kernels"] {
  const kernels = loadKernels();
  return { reason: typeof kernels === "string" ? kernels : null };
}

function describeNative(): DoctorReport["native"] {
  const choice = variantHere();
  const nothing = { variant: null, directory: null, tensorflow: null, how: null, downloadBytes: null };
  if (choice.kind === "unsupported")
    return { ...nothing, state: "unsupported", reason: choice.reason, notes: [] };
  const runtime = findNativeRuntime();
  if (runtime === null) {
    return {
      ...nothing,
      state: "absent",
      variant: choice.name,
      directory: nativeRoot(),
      downloadBytes: downloadBytes(variants[choice.name]),
      reason: "setup has not been run, or did not get it",
      notes: choice.notes,
    };
  }
  return {
    state: "ready",
    variant: runtime.variant,
    directory: runtime.directory,
    tensorflow: runtime.tensorflowVersion,
    how: runtime.how,
    downloadBytes: null,
    reason: null,
    notes: choice.notes,
  };
}

function unavailable(name: BackendName): BackendReport {
  const nothing = { stepMs: null, samplesPerSecond: null, timesSlower: null, determinismClass: null };
  return { name, available: false, reason: null, ...nothing };
}

async function describeBackend(
  name: "native" | "wasm" | "cpu",
  native: DoctorReport["native"],
  benchmarkMs: number,
): Promise<BackendReport> {
  if (name === "native" && native.state !== "ready") return { ...unavailable(name), reason: native.reason };
  if (benchmarkMs <= 0) return { ...unavailable(name), available: true };
  const answer = await runBenchmark(name, benchmarkMs);
  if (answer.kind === "failed") return { ...unavailable(name), reason: answer.reason };
  return {
    name,
    available: true,
    reason: answer.notes.length > 0 ? answer.notes.join(" ") : null,
    stepMs: answer.stepMs,
    samplesPerSecond: answer.samplesPerSecond,
    timesSlower: null,
    determinismClass: answer.determinismClass,
  };
}

function slowdown(backend: BackendReport, first: BackendReport | undefined): number | null {
  if (backend.stepMs === null || first?.stepMs === null || first?.stepMs === undefined) return null;
  return backend.stepMs / first.stepMs;
}

function whyChosen(name: BackendName, backends: readonly BackendReport[]): string {
  const before = backends.slice(
    0,
    backends.findIndex((backend) => backend.name === name),
  );
  if (before.length === 0) return "it is the first choice, and it works";
  return before
    .map((backend) => `${backend.name} is not available (${backend.reason ?? "unknown"})`)
    .join("; ");
}
