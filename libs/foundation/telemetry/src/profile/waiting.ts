import type { PathPhase } from "./critical-path.ts";
import type { ProfiledRun, Track } from "./profiled-run.ts";
import { lastBefore, type Segment } from "./segments.ts";

interface Stretch {
  readonly phase: PathPhase;
  readonly startMs: number;
  readonly endMs: number;
}

/** Tells what a worker waited for, between two things that it did itself. */
export type WaitReader = (
  worker: string,
  before: Segment | undefined,
  after: Segment,
  tell: (phase: PathPhase, ms: number) => void,
) => void;

/** Of shards at different points the one that is furthest behind is waited for. */
const furthestBehindFirst: readonly PathPhase[] = ["reduce", "combine", "commit", "update", "broadcast"];

/**
 * While a worker does nothing itself, something may be done for it: what the shards do at that time says what it waits
 * for. Where they do nothing either, its push or its weights are on their way (`queue`), or everybody waits for somebody
 * else (`idle`).
 */
export function waitReader(run: ProfiledRun): WaitReader {
  const shards = run.tracks.filter(({ role }) => role === "shard");
  const stretches = shardStretches(shards);
  const lastReduce = new Map<string, number>();
  const broadcastEnd = new Map<string, number>();
  for (const { name, segments } of shards)
    for (const { phase, peer, timeline, step, startMs, endMs } of segments) {
      if (phase === "reduce") lastReduce.set(`${peer} ${timeline} ${step}`, startMs);
      if (phase === "broadcast") broadcastEnd.set(`${name} ${timeline} ${step}`, endMs);
    }
  return (worker, before, after, tell) => {
    const fromMs = before?.endMs ?? after.startMs;
    const toMs = after.startMs;
    const pushedUntilMs =
      (before?.phase === "push" && lastReduce.get(`${worker} ${before.timeline} ${before.step}`)) || fromMs;
    const sentFromMs =
      (after.phase === "receive" && broadcastEnd.get(`${after.peer} ${after.timeline} ${after.step - 1}`)) ||
      toMs;
    const put = (phase: PathPhase, startMs: number, endMs: number): void => {
      if (endMs > startMs) tell(phase, endMs - startMs);
    };
    /** What no shard is busy in. */
    const putRest = (startMs: number, endMs: number): void => {
      const queueEnd = Math.min(endMs, Math.max(startMs, pushedUntilMs));
      const queueAgain = Math.max(queueEnd, Math.min(endMs, sentFromMs));
      put("queue", startMs, queueEnd);
      put("idle", queueEnd, queueAgain);
      put("queue", queueAgain, endMs);
    };
    let atMs = fromMs;
    for (let place = Math.max(0, lastBefore(stretches, fromMs)); place < stretches.length; place++) {
      const { phase, startMs, endMs } = stretches[place] as Stretch;
      if (startMs >= toMs) break;
      if (endMs <= atMs) continue;
      putRest(atMs, Math.max(atMs, startMs));
      put(phase, Math.max(atMs, startMs), Math.min(toMs, endMs));
      atMs = Math.min(toMs, endMs);
    }
    putRest(atMs, toMs);
  };
}

/** What the shards do, as one row. */
function shardStretches(shards: readonly Track[]): Stretch[] {
  const edges: { readonly atMs: number; readonly rank: number; readonly by: 1 | -1 }[] = [];
  for (const { segments } of shards)
    for (const { phase, startMs, endMs } of segments) {
      const rank = furthestBehindFirst.indexOf(phase);
      if (rank < 0) continue;
      edges.push({ atMs: startMs, rank, by: 1 }, { atMs: endMs, rank, by: -1 });
    }
  edges.sort((a, b) => a.atMs - b.atMs);
  const busy = furthestBehindFirst.map(() => 0);
  const stretches: Stretch[] = [];
  for (const [place, { rank, by, atMs }] of edges.entries()) {
    busy[rank] = (busy[rank] as number) + by;
    const endMs = edges[place + 1]?.atMs ?? atMs;
    const phase = furthestBehindFirst[busy.findIndex((count) => count > 0)];
    if (phase !== undefined && endMs > atMs) stretches.push({ phase, startMs: atMs, endMs });
  }
  return stretches;
}
