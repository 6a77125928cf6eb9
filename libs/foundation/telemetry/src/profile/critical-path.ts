import type { ProfilePhase } from "@latentweave/protocol";
import { dependencyFinder, type Place } from "./dependencies.ts";
import type { ProfiledRun, ProfiledStep } from "./profiled-run.ts";

/** `queue`: on the way between two processes, or waiting to be looked at; `idle`: nothing that was recorded. */
export type PathPhase = ProfilePhase | "queue" | "idle";

export interface PathPart {
  readonly process: string;
  readonly phase: PathPhase;
  readonly startMs: number;
  readonly endMs: number;
}

/** Shorter gaps are the time that it takes to note a span. */
const gapMs = 0.02;

/**
 * What a step had to wait for, from its beginning to its end without a gap: the parts' times add up to the step's.
 *
 * It is walked from the end backwards. Before each span stand what its process did before, and what had to arrive from
 * elsewhere (weights before a computation, a push before a sum, the other shards' sums before the decision): whichever
 * ended last is what was waited for. What arrived, and was not looked at, was in the queue, whatever came before.
 */
export function criticalPath(run: ProfiledRun, step: ProfiledStep): PathPart[] {
  const { remoteBefore, localBefore, endOf } = dependencyFinder(run);
  const parts: PathPart[] = [];
  const put = (process: string, phase: PathPhase, fromMs: number, toMs: number): void => {
    const startMs = Math.max(fromMs, step.startMs);
    if (toMs > startMs) parts.unshift({ process, phase, startMs, endMs: toMs });
  };
  let at: Place | undefined = endOf(step);
  let untilMs = step.endMs;
  while (at && untilMs > step.startMs) {
    const { track, segment } = at;
    put(track.name, segment.phase, segment.startMs, untilMs);
    untilMs = Math.min(untilMs, segment.startMs);
    const local = localBefore(at);
    const remote = remoteBefore(at);
    const localMs = local ? Math.min(local.segment.endMs, untilMs) : Number.NEGATIVE_INFINITY;
    const remoteMs = remote ? Math.min(remote.segment.endMs, untilMs) : Number.NEGATIVE_INFINITY;
    const next: Place | undefined = remoteMs > localMs ? remote : local;
    const nextMs = Math.max(localMs, remoteMs, step.startMs);
    if (untilMs - nextMs > gapMs) put(track.name, remote ? "queue" : "idle", nextMs, untilMs);
    else if (untilMs > nextMs) put(track.name, segment.phase, nextMs, untilMs);
    untilMs = nextMs;
    at = next;
  }
  return merged(parts);
}

/** Neighbours that are the same. */
function merged(parts: readonly PathPart[]): PathPart[] {
  const result: PathPart[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (last?.process === part.process && last.phase === part.phase)
      result[result.length - 1] = { ...last, endMs: part.endMs };
    else result.push(part);
  }
  return result;
}
