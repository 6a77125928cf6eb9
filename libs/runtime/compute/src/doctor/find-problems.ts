import { formatBytes, installAdvice } from "@latentweave/native";
import type { DoctorReport, Problem } from "./report-shape.ts";

/** Less than this in /dev/shm is what Docker gives by default, too little for models of some size. */
const smallSharedMemoryBytes = 256e6;
/** What stands in the way of training at full speed, and what to type about it; pure. */
export function findProblems(report: Omit<DoctorReport, "problems">): Problem[] {
  const problems: Problem[] = [];
  const { native, tools, sharedMemory, nvidia } = report;
  if (!report.node.supported) {
    problems.push({
      what: `Node.js ${report.node.version} is too old`,
      mend: ["install Node.js 20.19 or newer"],
    });
  }
  if (native.state === "unsupported") {
    problems.push({
      what: `native TensorFlow cannot be had here: ${native.reason}`,
      mend: ["train on the WASM backend, or on another machine"],
    });
  }
  if (native.state === "absent") {
    const size = formatBytes(native.downloadBytes ?? 0);
    const advice = installAdvice({ pip: tools.pip === null, compiler: tools.compiler === null });
    problems.push({
      what: "native TensorFlow is not set up, so training is many times slower",
      mend: [...advice, `npx latentweave setup   (downloads ${size})`],
    });
  }
  const addonMend = [
    ...installAdvice({ pip: false, compiler: tools.compiler === null }),
    "npx latentweave setup",
  ];
  if (native.state === "ready" && report.pageMap.file === null) {
    problems.push({
      what: "the addon for memory that outlives its process is missing, so a lost shard costs the steps since the last checkpoint",
      mend: addonMend,
    });
  }
  if (native.state === "ready" && report.kernels.reason !== null) {
    problems.push({
      what: `parameter-server shards add and update in WebAssembly, about a third as fast: ${report.kernels.reason}`,
      mend: addonMend,
    });
  }
  if (native.state === "ready" && report.programs.file === null) {
    problems.push({
      what: "the addon that computes a micro-batch in one call of TensorFlow is missing, so each of its operations comes back to JavaScript",
      mend: addonMend,
    });
  }
  const broken = report.backends.find((backend) => backend.name === "native" && native.state === "ready");
  if (broken !== undefined && !broken.available) {
    problems.push({
      what: `native TensorFlow is there but does not work: ${broken.reason}`,
      mend: [`rm -r ${native.directory}`, "npx latentweave setup"],
    });
  }
  if (nvidia.kind === "device-without-driver" || nvidia.kind === "driver-too-old") {
    problems.push({
      what: native.notes.join(" "),
      mend: [
        "install NVIDIA's driver 525 or newer (in containers: start with --gpus all)",
        "npx latentweave setup",
      ],
    });
  }
  if (native.state === "ready" && nvidia.kind === "driver" && native.variant === "cpu-linux-x64") {
    problems.push({
      what: "there is an NVIDIA GPU, but only the CPU runtime is set up",
      mend: ["npx latentweave setup"],
    });
  }
  const onCpu = broken?.available === true && broken.determinismClass?.device === "cpu";
  if (onCpu && nvidia.kind === "driver" && native.variant === "cuda12-linux-x64") {
    problems.push({
      what: `there is an NVIDIA GPU, but TensorFlow cannot use it${broken.reason === null ? "" : `: ${broken.reason}`}`,
      mend: [
        "TF_CPP_MIN_LOG_LEVEL=0 npx latentweave train JOB --device 0   (a worker's log then says what TensorFlow missed)",
        "train on the CPU with --device cpu",
      ],
    });
  }
  if (sharedMemory !== null && sharedMemory.totalBytes < smallSharedMemoryBytes) {
    problems.push({
      what: `${sharedMemory.path} holds only ${formatBytes(sharedMemory.totalBytes)}`,
      mend: ["in containers: start with --shm-size=1g"],
    });
  }
  return problems;
}
