import path from "node:path";
import { type JobInput } from "@latentweave/job";
import { bundleOwn, ownModules } from "@latentweave/launch";
import { UserError } from "@latentweave/protocol";
import type { StreamMessage } from "@latentweave/telemetry";
import type { LaunchedRun } from "./launched-run.ts";
import { startRun } from "./start-run.ts";
import type { JobSource, TrainFlags } from "./train-flags.ts";

/** How to run a job from code; everything has the default of `latentweave train`. */
export interface TrainOptions {
  /** What relative paths in the job start from; default: the current folder. */
  readonly directory?: string;
  /** Folder that holds runs; default `runs`. */
  readonly runs?: string;
  readonly runId?: string;
  /** Continue the run from its newest checkpoint. */
  readonly resume?: boolean;
  readonly workers?: number;
  readonly shards?: number;
  /** CUDA device numbers, UUIDs or "cpu"; workers take them in turn. */
  readonly devices?: readonly string[];
  readonly backend?: "native" | "wasm" | "cpu";
  readonly threads?: number;
  readonly steps?: number;
  /** Keep a profile of at least so many of the newest steps, for `latentweave profile`. */
  readonly profile?: number;
  readonly seed?: number;
  /** Port of the live page, 0: any free one; default: no page. */
  readonly dashboard?: number;
  readonly host?: string;
  readonly token?: string;
  /** Ends the run after a checkpoint. */
  readonly signal?: AbortSignal;
  /** Snapshots, commits and events as they come. */
  readonly onMessage?: (message: StreamMessage) => void;
  /** The live page's address, as soon as there is one. */
  readonly onListening?: (url: string) => void;
  /** Lines for a person, such as what is being prepared; default: none. */
  readonly log?: (line: string) => void;
}

/** What a run left. */
export interface TrainedRun {
  readonly runId: string;
  /** Absolute. */
  readonly directory: string;
  readonly state: "finished" | "interrupted";
  /** Committed steps. */
  readonly step: number;
  /** SHA-256 of the parameters of the last checkpoint; null where there is none yet. */
  readonly hash: string | null;
}

/**
 * Runs a job: starts its coordinator, parameter server and workers as processes of their own, and waits for the end.
 * @throws UserError when the job is wrong or the run fails
 */
export async function train(job: JobInput, options: TrainOptions = {}): Promise<TrainedRun> {
  const source = await jobSource(job, path.resolve(options.directory ?? "."));
  const run = await startRun(source, toFlags(options), options.log ?? (() => undefined));
  options.onListening?.(run.url);
  const stop = (): void => void run.stop("stopped by its caller");
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted === true) stop();
  try {
    return await follow(run, options.onMessage ?? (() => undefined));
  } catch (error) {
    run.stopNow();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

async function jobSource(job: JobInput, directory: string): Promise<JobSource> {
  const own = await bundleOwn(ownModules(job), directory);
  return { input: job, directory, ...(own && { userModule: own.text }) };
}

async function follow(run: LaunchedRun, onMessage: (message: StreamMessage) => void): Promise<TrainedRun> {
  for await (const message of run.snapshotStream) onMessage(message);
  const { state, version, hash, reason } = await run.ended;
  if (state === "failed")
    throw new UserError({
      what: `run ${run.runId} failed: ${reason ?? "no reason given"}`,
      where: run.directory,
      mend: `see latentweave logs ${run.runId}`,
    });
  return { runId: run.runId, directory: run.directory, state, step: version, hash };
}

/** Options that are flags of the same name. */
const passedOn = [
  ...(["workers", "shards", "backend", "threads", "runId", "steps"] as const),
  ...(["seed", "resume", "token", "profile"] as const),
];

function toFlags(options: TrainOptions): TrainFlags {
  const { devices, dashboard, host, runs } = options;
  const given = [...passedOn.map((name) => [name, options[name]] as const), ["device", devices] as const];
  return {
    ...(Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Partial<TrainFlags>),
    runs: runs ?? "runs",
    dashboard: dashboard ?? "off",
    host: host ?? "127.0.0.1",
  };
}
