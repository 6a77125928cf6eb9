import os from "node:os";
import type { ResolvedJob } from "@latentweave/job";
import { sshCommand } from "@latentweave/launch";
import { packageVersion } from "../command/version.ts";
import { hopelessExitCode } from "../verbs/worker.ts";
import type { LaunchOptions } from "./launched-run.ts";
import type { StartProcess } from "./process-starter.ts";
import { samePort } from "./same-port.ts";

const mostRestarts = 10;

/** The shards that have a worker's process beside them. */
export interface BesideWorker {
  /** How many shards there are. */
  readonly shards: number;
  /** Whether the worker of this number starts with the shard of the same number beside it. */
  readonly has: (index: number) => boolean;
  /** The run's folder. */
  readonly directory: string;
}

/** Starts a worker here or on its host, and again under its name when it ends by itself. */
export function launchWorker(
  {
    options,
    url,
    index,
    beside,
  }: { options: LaunchOptions; url: string; index: number; beside?: BesideWorker | undefined },
  start: StartProcess,
  on: {
    readonly restart: (name: string, reason: string) => void;
    readonly gaveUp: (code: number | null, lastLines: readonly string[]) => void;
  },
): void {
  const { job } = options;
  const name = `worker-${index}`;
  const device = options.devices[index % Math.max(1, options.devices.length)];
  const more = {
    restart: { mayHelp: (code: number | null) => code !== 0 && code !== hopelessExitCode, mostRestarts },
    onRestart: (reason: string) => on.restart(name, reason),
    onEnd: (code: number | null, _: string | null, lines: readonly string[]) => on.gaveUp(code, lines),
  };
  const deviceArgs = device === undefined ? [] : ["--device", device];
  if (job.launcher.kind === "ssh") {
    const host = job.launcher.hosts[index % job.launcher.hosts.length] as string;
    const { LATENTWEAVE_REMOTE_COMMAND: remote, LATENTWEAVE_SSH_COMMAND: ssh } = process.env;
    const { command, args } = sshCommand({
      host,
      port: Number(new URL(url).port),
      workerId: `${host}-${index}`,
      version: packageVersion(),
      workerArgs: deviceArgs,
      ...(remote === undefined ? {} : { remoteCommand: remote }),
      ...(ssh === undefined ? {} : { ssh }),
    });
    start(name, [], { ...more, command, args });
    return;
  }
  const computing = options.withoutComputing === true ? ["--without-computing"] : [];
  const always = ["worker", "--coordinator", url, "--worker-id", name, ...deviceArgs, ...computing];
  if (!beside || !beside.has(index)) {
    start(name, always, more);
    return;
  }
  const shard = ["--shard", String(index), "--shards", String(beside.shards), "--run-id", options.runId];
  const { args, onLine } = samePort(
    [...always, ...shard, "--run", beside.directory],
    "--shard-port",
    options.drill?.shardPorts?.[index],
  );
  start(name, args, { ...more, onLine }, `shard-${index}`);
}

/**
 * The first workers of this host have a shard in their own process: what they say to each other goes through no socket.
 * @param hasLeft whether the shard of this number goes on in a process of its own
 */
export function besideWorkers(
  { job: { launcher } }: LaunchOptions,
  shards: number,
  directory: string,
  hasLeft: (shard: number) => boolean,
): BesideWorker | undefined {
  if (launcher.kind !== "local" || launcher.placement !== "beside") return undefined;
  return { shards, directory, has: (index) => index < shards && !hasLeft(index) };
}

/** As many as the job says, or as many as there are workers. */
export function countShards(job: ResolvedJob, workers: number): number {
  return job.launcher.shards ?? workers;
}

/** One worker per core (or device, or host) unless the job says otherwise, and no more than there are slots. */
export function countWorkers(job: ResolvedJob, options: LaunchOptions): number {
  const { launcher } = job;
  if (launcher.workers !== null) return launcher.workers;
  const places =
    launcher.kind === "ssh"
      ? launcher.hosts.length
      : options.devices.length > 0
        ? options.devices.length
        : Math.max(1, Math.floor(os.availableParallelism() / job.compute.threads));
  return Math.min(places, mostSlots(job));
}

/** Of a task. Where sampling deals them by rows nobody has counted yet, as many as one task could be dealt. */
function mostSlots({ tasks, sampling }: ResolvedJob): number {
  const each = Object.values(tasks).map(({ slots, microBatch }) =>
    sampling ? Math.ceil(sampling.samples / microBatch) : slots,
  );
  return Math.max(...each);
}
