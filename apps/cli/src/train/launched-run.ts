import type { ResolvedJob } from "@latentweave/job";
import type { StreamMessage } from "@latentweave/telemetry";

/** What `launchRun` needs to start a run: everything checked, nothing left to ask. */
export interface LaunchOptions {
  /** Flags are folded in: `launcher`, `compute`, `steps` and `seed` are those of this run. */
  readonly job: ResolvedJob;
  /** Absolute; relative paths in the job start here. */
  readonly jobDirectory: string;
  /** JavaScript of the job's own layers. */
  readonly userModule?: string;
  /** Absolute folder that holds runs; the run's own is `runsDirectory/runId`. `launchRun` makes it and writes job.json. */
  readonly runsDirectory: string;
  readonly runId: string;
  /** Continue from the newest checkpoint; the job was compared with the run's job.json already. */
  readonly resume: boolean;
  /** Keep a profile of at least so many of the newest steps; default: none. */
  readonly profileSteps?: number;
  /** CUDA device numbers, UUIDs or "cpu", one worker each in turn; empty: what the machine has. */
  readonly devices: readonly string[];
  /** Port of the dashboard and of everything else that the coordinator serves; 0: any free one. */
  readonly port: number;
  /** False: the port serves workers alone. */
  readonly dashboard: boolean;
  /** Address to listen at; beyond loopback a token is needed. */
  readonly host: string;
  readonly token?: string;
  /** Lines for the person at the terminal: preparation of data, which backend and why. */
  readonly log: (line: string) => void;
  /** What its processes get in their environment besides ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Workers make their gradients up at once: what is left of a step is the exchange, for `latentweave bench`. */
  readonly withoutComputing?: boolean;
  /** For fault drills. */
  readonly drill?: LaunchDrill;
}

/** What a fault drill wants of the processes of its run. */
export interface LaunchDrill {
  /** What a process gets in its environment besides ours. `parts`: its name, and that of a shard beside it. */
  readonly environment: (parts: readonly string[]) => Readonly<Record<string, string>>;
  /** Prefix of its command line, such as one that puts it into a network namespace. */
  readonly prefix: (process: string) => readonly string[];
  /** Ports that shards listen at, so that something can stand before them; default: any free ones. */
  readonly shardPorts?: readonly number[];
  /** A process, or a part of one, ended, whether it is started again or not. */
  readonly onProcessEnd: (process: string, how: string) => void;
}

/** How a run ended. */
export interface RunEnd {
  readonly state: "finished" | "interrupted" | "failed";
  /** Version of the weights. */
  readonly version: number;
  /** SHA-256 of the parameters of the last checkpoint. */
  readonly hash: string | null;
  readonly reason: string | null;
}

/** A run whose processes have been started. */
export interface LaunchedRun {
  readonly runId: string;
  /** Absolute. */
  readonly directory: string;
  /** Of the live page. */
  readonly url: string;
  /** Snapshots, commits and events as they come; ends with the run. */
  readonly snapshotStream: AsyncIterable<StreamMessage>;
  /** Ends the run after a checkpoint. */
  stop(reason: string): Promise<void>;
  /** Ends every process of the run at once. */
  stopNow(): void;
  readonly ended: Promise<RunEnd>;
}

/** A process of a run, as its launcher holds it. */
export interface LaunchedProcess {
  readonly name: string;
  /** The shard that is in the same process. */
  readonly beside?: string | undefined;
  /** While it lives. */
  readonly pid: number | undefined;
  /** Not again until it has ended. */
  readonly ended: Promise<void>;
  /** SIGTERM, and no restart. */
  interrupt(): void;
  /** SIGKILL, and no restart. */
  kill(): void;
}

/** The processes of a run, for whoever disturbs them. */
export interface LaunchedProcesses {
  /** Of several that had one name, or one beside them, the newest. */
  process(name: string): LaunchedProcess | undefined;
  /** Those that live. */
  alive(): readonly LaunchedProcess[];
  /** Starts one more worker, or one whose process has ended again. */
  startWorker(name: string): void;
}

export type LaunchRun = (options: LaunchOptions) => Promise<LaunchedRun & LaunchedProcesses>;
