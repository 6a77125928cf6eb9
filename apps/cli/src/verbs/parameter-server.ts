import type { Command } from "commander";
import { exitCodes } from "../command/failure.ts";
import { wholeNumber } from "../command/number-arguments.ts";
import { type ProcessFlags, processContext, withProcessFlags } from "../command/process-flags.ts";
import { runShard } from "../command/run-shard.ts";
import { prepareForTensors } from "../command/tensor-memory.ts";

interface ShardFlags extends ProcessFlags {
  readonly coordinator: string;
  readonly runId: string;
  readonly index: number;
  readonly shards: number;
  readonly run?: string;
  readonly host?: string;
  readonly port?: number;
}

export function addParameterServer(program: Command): void {
  const command = program
    .command("parameter-server")
    .description("One parameter-server shard, for launchers.")
    .requiredOption("--coordinator <url>", "http://HOST:PORT of the run's coordinator")
    .requiredOption("--run-id <id>", "the run")
    .option("--index <k>", "which shard this is; shard 0 leads", wholeNumber(0), 0)
    .option("--shards <s>", "how many there are", wholeNumber(1), 1)
    .option(
      "--run <directory>",
      "the run's folder on this host: keeps the shard's memory where /dev/shm has no room",
    )
    .option("--host <address>", "where to listen; default loopback")
    .option("--port <port>", "default: any free one", wholeNumber(0));
  withProcessFlags(command).action(async (flags: ShardFlags) => {
    await prepareForTensors();
    const { token, signal } = await processContext(flags);
    const { coordinator, runId, index, shards, run, host, port } = flags;
    const log = (line: string): void => void process.stderr.write(`${line}\n`);
    const reason = await runShard({ coordinator, runId, index, shards, token, run, host, port, log }, signal);
    process.stderr.write(`${reason}\n`);
    // Its launcher starts it again, unless the run is over.
    process.exit(signal.aborted ? exitCodes.interrupted : exitCodes.done);
  });
}
