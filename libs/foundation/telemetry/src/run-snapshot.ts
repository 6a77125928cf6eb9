import type { Deal } from "@latentweave/protocol";

/** States of a run; docs/run-states.md has the transitions. */
export type RunState =
  "starting" | "waiting" | "running" | "stopping" | "finished" | "interrupted" | "failed";

export type WorkerState = "joining" | "active" | "lost" | "left" | "refused" | "quarantined";

export interface WorkerSnapshot {
  readonly workerId: string;
  readonly host: string;
  readonly pid: number;
  readonly backend: string;
  readonly state: WorkerState;
  readonly rank: number | null;
  /** `digits 0–4` and so on. */
  readonly leases: readonly { readonly task: string; readonly start: number; readonly end: number }[];
  readonly samplesPerSecond: number;
  readonly computeMs: number;
  readonly fetchedBytes: number;
  readonly residentBytes: number;
}

export interface TaskSnapshot {
  readonly task: string;
  readonly samplesSeen: number;
  /** In the newest step; absent before there was one. */
  readonly samplesPerStep?: number;
  /** Mean per sample over the last step: `loss`, then the task's terms. */
  readonly training: Readonly<Record<string, number>>;
  /** Its numbers are not finite, and it changes nothing from `since` on, until it is tried again; null: to the end. */
  readonly paused?: { readonly since: number; readonly why: string; readonly until: number | null };
  /** Of the newest evaluation, with the step it was taken at. */
  readonly evaluation: { readonly step: number; readonly values: Readonly<Record<string, number>> } | null;
}

export interface RunEvent {
  /** Milliseconds since 1970, the coordinator's wall clock. */
  readonly atMs: number;
  readonly level: "info" | "warning" | "error";
  readonly text: string;
}

/** The state of a run at one moment: GET /api/v1/run. */
export interface RunSnapshot {
  readonly apiVersion: 1;
  readonly runId: string;
  readonly name: string;
  readonly state: RunState;
  readonly phase: string;
  /** Committed steps; the run has `totalSteps`. */
  readonly step: number;
  readonly totalSteps: number;
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  readonly etaMs: number | null;
  readonly samplesPerSecond: number;
  readonly stepMs: number;
  readonly quorumId: number;
  readonly shards: number;
  readonly parameters: number;
  readonly learningRate: number;
  readonly tasks: readonly TaskSnapshot[];
  /**
   * In the modes `stale` and `async`: of the newest 100 steps, how many versions older than the weights that it was
   * applied to were those that a step was computed on; and how many planned steps this coordinator saw given up and
   * computed again.
   */
  readonly staleness?: { readonly mean: number; readonly max: number; readonly givenUp: number };
  /** False: the job has given the guarantee of the same bits up; absent: it has not. */
  readonly sameBits?: false;
  readonly workers: readonly WorkerSnapshot[];
  /** The newest 200. */
  readonly events: readonly RunEvent[];
  readonly hash: string | null;
  /** Why it failed or was interrupted. */
  readonly reason: string | null;
}

/** One committed step, for curves: GET /api/v1/history (newest 2,000, thinned) and the live stream. */
export interface CommitPoint {
  readonly step: number;
  readonly atMs: number;
  readonly stepMs: number;
  readonly samplesPerSecond: number;
  readonly workers: number;
  /** task → mean training loss of the step; absent when the step only evaluated. */
  readonly loss: Readonly<Record<string, number>>;
  /** In the modes `stale` and `async`: the step's staleness, in versions. */
  readonly staleness?: number;
  /** task → evaluation values, when the step evaluated. */
  readonly evaluation: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Where sampling is adaptive: what follows from the step's evaluation. */
  readonly deal?: Deal;
}

/** Server-sent events at GET /api/v1/stream: `event: KIND`, `data:` the JSON of what the kind carries. */
export type StreamMessage =
  | { readonly kind: "snapshot"; readonly snapshot: RunSnapshot }
  | { readonly kind: "commit"; readonly point: CommitPoint }
  | { readonly kind: "event"; readonly event: RunEvent };
