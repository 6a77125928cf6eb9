import { alignClocks, type ProfiledProcess } from "./align-clocks.ts";
import type { ProfileLine, Span } from "./profile-line.ts";
import { flatten, type Segment } from "./segments.ts";

/** A process with its spans made disjoint. */
export interface Track extends ProfiledProcess {
  readonly role: "worker" | "shard" | "coordinator";
  readonly segments: readonly Segment[];
}

/** One committed step: from the moment when the one before it was done to the moment when it was. */
export interface ProfiledStep {
  readonly step: number;
  readonly timeline: number;
  readonly startMs: number;
  readonly endMs: number;
  /** The step before it is recorded too: else where it began is only known from the first span of it. */
  readonly isWhole: boolean;
}

/** What was recorded of a run, brought to one clock. */
export interface ProfiledRun {
  readonly tracks: readonly Track[];
  /** In order; each committed step whose commit was recorded, once, in the last timeline that it was made in. */
  readonly steps: readonly ProfiledStep[];
  /** In the modes `stale` and `async`: several planned steps are under way at a time. */
  readonly isOrdered: boolean;
}

export function profiledRun(lines: readonly ProfileLine[], isOrdered: boolean): ProfiledRun {
  const tracks = alignClocks(lines)
    .map((process): Track => ({ ...process, role: roleOf(process.name), segments: flatten(process.spans) }))
    .sort(byRoleAndNumber);
  return { tracks, steps: stepsOf(tracks), isOrdered };
}

function roleOf(name: string): Track["role"] {
  if (name === "coordinator") return "coordinator";
  return /^shard-\d+$/.test(name) ? "shard" : "worker";
}

const roles = ["worker", "shard", "coordinator"];

function byRoleAndNumber(a: Track, b: Track): number {
  return (
    roles.indexOf(a.role) - roles.indexOf(b.role) ||
    a.name.localeCompare(b.name, "en", { numeric: true }) ||
    (a.spans[0]?.startMs ?? 0) - (b.spans[0]?.startMs ?? 0)
  );
}

/** Its last word: weights that have left, or where it only evaluated, the commit. */
const endings: readonly Span["phase"][] = ["broadcast", "commit"];

function stepsOf(tracks: readonly Track[]): ProfiledStep[] {
  const found = new Map<number, { timeline: number; firstMs: number; endMs: number }>();
  const spans = tracks.filter(({ role }) => role === "shard").flatMap((track) => track.spans);
  // Only the leader commits; a broadcast alone may be of weights that a run begins with.
  for (const { phase, step, timeline, endMs } of spans)
    if (phase === "commit" && timeline >= (found.get(step)?.timeline ?? 0))
      found.set(step, { timeline, firstMs: endMs, endMs });
  for (const { phase, step, timeline, endMs } of spans) {
    const one = found.get(step);
    if (one?.timeline === timeline && endings.includes(phase)) one.endMs = Math.max(one.endMs, endMs);
  }
  for (const { spans: own } of tracks)
    for (const { step, timeline, startMs } of own) {
      const one = found.get(step);
      if (one?.timeline === timeline) one.firstMs = Math.min(one.firstMs, startMs);
    }
  const inOrder = [...found].sort(([a], [b]) => a - b);
  return inOrder.map(([step, { timeline, firstMs, endMs }]): ProfiledStep => {
    const before = found.get(step - 1);
    // What was made again begins where its first span does, not where the void step before it ended.
    const isWhole = before !== undefined && before.endMs <= endMs && before.timeline === timeline;
    return { step, timeline, startMs: isWhole ? before.endMs : Math.min(firstMs, endMs), endMs, isWhole };
  });
}
