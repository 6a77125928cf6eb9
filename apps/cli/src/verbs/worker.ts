import type { BackendName } from "@latentweave/compute";
import { UserError } from "@latentweave/protocol";
import type { InProcess } from "@latentweave/transport";
import { type Command, Option } from "commander";
import { describeFailure } from "../command/failure.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { type ProcessFlags, processContext, withProcessFlags } from "../command/process-flags.ts";
import { runShard } from "../command/run-shard.ts";
import { prepareForTensors } from "../command/tensor-memory.ts";
import { packageVersion } from "../command/version.ts";

interface BesideFlags {
  readonly shard?: number;
  readonly shards?: number;
  readonly shardPort?: number;
  readonly runId?: string;
  readonly run?: string;
}

interface WorkerFlags extends ProcessFlags, BesideFlags {
  readonly coordinator: string;
  readonly workerId?: string;
  readonly backend?: BackendName;
  readonly device?: string;
  readonly threads?: string;
  readonly pauseMs?: string;
  readonly withoutComputing?: boolean;
}

/** Exit code of a worker that would be refused again: its launcher does not start it anew. */
export const hopelessExitCode = 3;

export function addWorker(program: Command): void {
  const command = program
    .command("worker")
    .description("One worker process, for launchers; people use `latentweave join`.")
    .requiredOption("--coordinator <url>", "http://HOST:PORT of the run's coordinator")
    .option("--shard <k>", "be this parameter-server shard as well", wholeNumber(0))
    .option("--shards <s>", "with --shard: how many there are", wholeNumber(1))
    .option("--shard-port <port>", "with --shard: where it listens; default: any free one", wholeNumber(0))
    .option("--run-id <id>", "with --shard: the run")
    .option("--run <directory>", "with --shard: the run's folder on this host")
    .addOption(new Option("--without-computing", "make gradients up, for `latentweave bench`").hideHelp());
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
  await prepareForTensors();
  const { token, signal } = await processContext(flags);
  // Loaded when it is needed: other verbs start in a fraction of the time.
  const { runWorkerProcess } = await import("@latentweave/worker-app");
  const { parseDevice } = await import("@latentweave/native");
  const beside = flags.shard === undefined ? undefined : await startBeside(flags, flags.shard, token);
  const end = await runWorkerProcess(
    {
      coordinator: flags.coordinator,
      software: `latentweave ${packageVersion()}`,
      ...(beside && { inProcess: beside.inProcess }),
      log: (line) => process.stderr.write(`${line}\n`),
      ...(token === undefined ? {} : { token }),
      ...(flags.workerId === undefined ? {} : { workerId: flags.workerId }),
      ...(flags.backend === undefined ? {} : { backend: flags.backend }),
      ...(flags.device === undefined ? {} : { device: parseDevice(flags.device) }),
      ...(flags.threads === undefined ? {} : { threads: Number(flags.threads) }),
      ...(flags.pauseMs === undefined ? {} : { pauseMs: Number(flags.pauseMs) }),
      ...(flags.withoutComputing === true ? { withoutComputing: true } : {}),
    },
    signal,
  );
  if (end.kind === "failed") process.stderr.write(`${describeFailure(end.error, false)}\n`);
  else process.stderr.write(`${end.kind}: ${end.reason}\n`);
  // A worker that has left in order leaves the shard behind; one that has failed is started again, and the shard with it.
  if (end.kind !== "failed") await beside?.ended;
  // The backend's threads hold the process; nothing of ours is left to write.
  const code = end.kind === "failed" ? (end.error instanceof UserError ? failedCode : 1) : 0;
  process.exit(code);
}

/** A shard of the parameter server in this process, until the run is over. */
async function startBeside(
  flags: WorkerFlags,
  index: number,
  token: string | undefined,
): Promise<{ readonly inProcess: InProcess; readonly ended: Promise<void> }> {
  const { runId, shards = 1, run, shardPort: port, coordinator } = flags;
  if (runId === undefined)
    throw new UserError({ what: "--shard without --run-id", mend: "say which run the shard belongs to" });
  const { createInProcess } = await import("@latentweave/transport");
  const inProcess = createInProcess();
  // Nobody asks a shard to leave before the run is over: where it would go to is this process.
  const log = (line: string): void => void process.stderr.write(`shard ${index}: ${line}\n`);
  const ended = runShard(
    { coordinator, runId, index, shards, token, run, port, inProcess, log },
    new AbortController().signal,
  ).then(log, (error: unknown) => {
    // The launcher starts both again.
    log(describeFailure(error, false));
    process.exit(1);
  });
  return { inProcess, ended };
}
