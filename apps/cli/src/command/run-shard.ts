import type { InProcess } from "@latentweave/transport";
import { packageVersion } from "./version.ts";

/** A shard of the parameter server, as a launcher's arguments say it. */
export interface ShardArguments {
  readonly coordinator: string;
  readonly runId: string;
  readonly index: number;
  readonly shards: number;
  readonly token: string | undefined;
  /** The run's folder on this host. */
  readonly run: string | undefined;
  readonly host?: string | undefined;
  readonly port: number | undefined;
  readonly inProcess?: InProcess;
  readonly log: (line: string) => void;
}

/** Runs it in this process, and tells the launcher where it listens. @returns why it ended */
export async function runShard(shard: ShardArguments, signal: AbortSignal): Promise<string> {
  // Loaded when it is needed: other verbs start in a fraction of the time.
  const { runShardProcess } = await import("@latentweave/parameter-server-app");
  const { coordinator, runId, index, shards, token, run, host, port, inProcess, log } = shard;
  return runShardProcess(
    {
      ...{ coordinator, runId, index, shards, log },
      ...(token === undefined ? {} : { token }),
      ...(run === undefined ? {} : { runDirectory: run }),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(inProcess && { inProcess }),
      software: `latentweave ${packageVersion()}`,
      onListening: (own) => process.stdout.write(`${JSON.stringify({ listening: own })}\n`),
    },
    signal,
  );
}
