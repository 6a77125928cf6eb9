import type { RunSpec } from "@latentweave/plan";
import type {
  CheckpointSource,
  Clock,
  CoordinatorMoment,
  MessageOf,
  Probe,
  Profiled,
  RunStore,
} from "@latentweave/protocol";
import type { CommitPoint } from "@latentweave/telemetry";
import type { RunClass } from "./admission.ts";

export interface CoordinatorOptions {
  readonly runId: string;
  /** Tells the run from another of the same name; stays when it is resumed. */
  readonly runKey: string;
  readonly spec: RunSpec;
  /** The text that every process gets; `spec` parsed from it. */
  readonly specText: string;
  readonly shards: number;
  /** The first quorum forms when this many workers are there, or `gatherMs` after the first. */
  readonly expectedWorkers: number;
  /** False: slots stay with whom they were dealt to, however slow. To measure what moving them gains. */
  readonly balance?: boolean;
  /** One worker of a host speaks for all of them to a parameter server on another one; default: true. */
  readonly hostAggregation?: boolean;
  /** Rises with every coordinator of this run. */
  readonly generation: number;
  /** The newest checkpoint, of a run that goes on. */
  readonly resume: CheckpointSource | undefined;
  /** Points of the run's curves that coordinators before this one have recorded; default: none. */
  readonly past?: readonly CommitPoint[];
  /** What is known from the coordinator that ended in the middle of the run and in whose place this one is. */
  readonly succeeds: Succeeded | undefined;
  readonly runClass: RunClass | undefined;
  /** Worker ids that sent wrong bits before. */
  readonly quarantined: readonly string[];
  readonly optimiserSections: readonly string[];
  readonly store: RunStore;
  readonly clock: Clock;
  readonly wallMs: () => number;
  /** Address of a shard as this peer can reach it. */
  readonly shardAddress: (index: number, port: number, local: boolean) => string;
  readonly dataLocation: (local: boolean) => MessageOf<"welcome">["data"];
  /** Facts of the process for run.json: versions, who started it. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly probe?: Probe<CoordinatorMoment>;
  /** Where the run is profiled. */
  readonly profile?: ProfileSink;
  readonly log: (text: string) => void;
}

/** Takes what processes tell of how they spent their time. */
export interface ProfileSink {
  /** For the welcome of a process: what the clocks here show. */
  clocks(): NonNullable<MessageOf<"welcome">["profile"]>;
  take(process: string, profiled: Profiled | undefined): void;
  /** The coordinator has recorded a commit, since then. */
  recorded(timeline: number, step: number, sinceMs: number): void;
}

export interface Succeeded {
  /** Milliseconds since 1970, of the run. */
  readonly startedAtMs: number | undefined;
  /** It was asked to stop, and did not come to it. */
  readonly stopping: string | undefined;
}

export interface Outcome {
  readonly state: "finished" | "interrupted" | "failed";
  readonly version: number;
  readonly hash: string | null;
  readonly reason: string | null;
}
