import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { prepareLaunch } from "../train/prepare-launch.ts";
import { specText } from "../train/spec-text.ts";
import type { TrainFlags } from "../train/train-flags.ts";
import type { BenchContext } from "./bench-context.ts";
import { benchModel, trainingJob } from "./bench-job.ts";
import { runChild } from "./child-process.ts";

/** What compute-alone.entry.ts prints. */
export interface ComputeAnswer {
  /** Median of a micro-batch: forward, backward, gradients that can be read. */
  readonly stepMs: number;
  readonly backend: string;
  readonly device: string;
}

export interface MeasuredCompute extends ComputeAnswer {
  /** So many at once; `stepMs` is their mean then. */
  readonly processes: number;
  /** Of one of them. */
  readonly samplesPerSecond: number;
}

/** One worker's compute alone, or that of several processes at once. */
export async function measureCompute(
  processes: number,
  seconds: number,
  flags: Pick<TrainFlags, "device" | "backend">,
  rows: string,
  { signal, folder, log }: BenchContext,
): Promise<MeasuredCompute> {
  const launch = await prepareLaunch(
    { input: trainingJob(1, rows), directory: folder },
    { runs: folder, workers: 1, dashboard: "off", host: "127.0.0.1", ...flags },
    log,
  );
  const file = path.join(folder, "compute.json");
  await writeFile(file, await specText(launch));
  const { threads, backend } = launch.job.compute;
  const start = async (index: number): Promise<ComputeAnswer> => {
    const device = launch.devices[index % Math.max(1, launch.devices.length)] ?? "";
    const args = [childFile(), file, seconds, threads, backend ?? "", device].map(String);
    return JSON.parse(await runChild(process.execPath, args, { signal })) as ComputeAnswer;
  };
  const answers = await Promise.all(Array.from({ length: processes }, (_, index) => start(index)));
  const stepMs = answers.reduce((sum, answer) => sum + answer.stepMs, 0) / processes;
  const { backend: name = "", device = "" } = answers[0] ?? {};
  return {
    ...{ processes, stepMs, backend: name, device },
    samplesPerSecond: (1000 * benchModel.batch) / stepMs,
  };
}

/** Beside this bundle; when this runs from source, in the one that was built. */
function childFile(): string {
  const candidates = ["./compute-alone.js", "../../dist/compute-alone.js"].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const file = candidates.find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`the compute's program is not at ${candidates.join(" or ")}`);
  return file;
}
