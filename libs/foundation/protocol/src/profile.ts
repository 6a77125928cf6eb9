import type { MessageOf, Profiled } from "./messages.ts";

/**
 * What a process spends a step on. Workers: `data` waiting for rows, `compute`, `read-back` of its result, `reduce` their
 * own sums, `push`, `receive` weights. Shards: `reduce` what was pushed, `combine` (products, solving, deciding), `commit`
 * (making the decision outlive the process, telling it), `update`, `broadcast`, `digest` of what they hold. Coordinator:
 * `record` a commit.
 */
export type ProfilePhase =
  | "data"
  | "compute"
  | "read-back"
  | "reduce"
  | "push"
  | "receive"
  | "combine"
  | "commit"
  | "update"
  | "broadcast"
  | "digest"
  | "record";

/**
 * Notes what a process spends its time on, where the run is profiled; else nothing is kept. Never read by what computes:
 * no bit and no decision depends on it.
 */
export interface SpanRecorder {
  /** Of the clock that spans are noted by. */
  nowMs(): number;
  /** The coordinator has said whether the run is profiled, and what its own clock shows. */
  welcomed(profile: MessageOf<"welcome">["profile"]): void;
  /** @param peer whose push, or whose weights */
  add(
    phase: ProfilePhase,
    timeline: number,
    step: number,
    startMs: number,
    endMs: number,
    peer?: string,
  ): void;
  /** What has come since it was asked last, for the next report; undefined where the run is not profiled. */
  take(): Profiled | undefined;
}
