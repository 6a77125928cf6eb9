import type { BackendName } from "@latentweave/compute";
import { UserError } from "@latentweave/protocol";
import { type Command } from "commander";
import { describeFailure } from "../command/failure.ts";
import { letHeapGrow } from "../command/heap-growth.ts";
import { type ProcessFlags, processContext, withProcessFlags } from "../command/process-flags.ts";
import { packageVersion } from "../command/version.ts";

interface WorkerFlags extends ProcessFlags {
  readonly coordinator: string;
  readonly workerId?: string;
  readonly backend?: BackendName;
  readonly device?: string;
  readonly threads?: string;
  readonly pauseMs?: string;
}

/** Exit code of a worker that would be refused again: its launcher does not start it anew. */
export const hopelessExitCode = 3;

export function addWorker(program: Command): void {
  const command = program
    .command("worker")
    .description("One worker process, for launchers; people use `latentweave join`.")
    .requiredOption("--coordinator <url>", "http://HOST:PORT of the run's coordinator");
  withWorkerFlags(command).action((flags: WorkerFlags) => runWorker(flags));
}

export function withWorkerFlags(command: Command): Command {
  return withProcessFlags(
    command
      .option("--worker-id <id>", "a name that stays the same across restarts")
      .option("--backend <name>", "native, wasm or cpu in place of the job's choice")
      .option("--device <device>", "CUDA device number or UUID, or cpu")
      .option("--threads <n>", "intra-op threads in place of the job's number")
      .option("--pause-ms <ms>", "wait before each micro-batch: tries out a slow machine"),
  );
}

/** @param failedCode exit code for a refusal: people get another one than launchers do */
export async function runWorker(flags: WorkerFlags, failedCode: number = hopelessExitCode): Promise<void> {
  letHeapGrow();
  const { token, signal } = await processContext(flags);
  // Loaded when it is needed: other verbs start in a fraction of the time.
  const { runWorkerProcess } = await import("@latentweave/worker-app");
  const { parseDevice } = await import("@latentweave/native");
  const end = await runWorkerProcess(
    {
      coordinator: flags.coordinator,
      software: `latentweave ${packageVersion()}`,
      log: (line) => process.stderr.write(`${line}\n`),
      ...(token === undefined ? {} : { token }),
      ...(flags.workerId === undefined ? {} : { workerId: flags.workerId }),
      ...(flags.backend === undefined ? {} : { backend: flags.backend }),
      ...(flags.device === undefined ? {} : { device: parseDevice(flags.device) }),
      ...(flags.threads === undefined ? {} : { threads: Number(flags.threads) }),
      ...(flags.pauseMs === undefined ? {} : { pauseMs: Number(flags.pauseMs) }),
    },
    signal,
  );
  if (end.kind === "failed") process.stderr.write(`${describeFailure(end.error, false)}\n`);
  else process.stderr.write(`${end.kind}: ${end.reason}\n`);
  // The backend's threads hold the process; nothing of ours is left to write.
  const code = end.kind === "failed" ? (end.error instanceof UserError ? failedCode : 1) : 0;
  process.exit(code);
}
