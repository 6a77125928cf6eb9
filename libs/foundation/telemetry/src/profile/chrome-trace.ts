import type { StepPath } from "./summary.ts";
import { dependencyFinder } from "./dependencies.ts";
import type { ProfiledRun, Track } from "./profiled-run.ts";
import type { Span } from "./profile-line.ts";

/** An event of the Trace Event Format; times are microseconds. */
export interface TraceEvent {
  readonly ph: "X" | "M" | "s" | "f";
  readonly name: string;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly id?: number;
  readonly bp?: "e";
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ChromeTrace {
  readonly displayTimeUnit: "ms";
  readonly otherData: Readonly<Record<string, unknown>>;
  readonly traceEvents: readonly TraceEvent[];
}

/** Rows of their own, before those of the processes. */
const overviewPid = 1;
const firstPid = 2;
const mainThread = 1;
const computeThread = 2;

/** What a worker's compute thread does; its main thread goes on meanwhile. */
const onComputeThread: ReadonlySet<Span["phase"]> = new Set(["compute", "read-back"]);

/**
 * For ui.perfetto.dev or chrome://tracing: a process each, the steps and their critical paths above them, and arrows from
 * pushes to their sums and from broadcasts to who receives them.
 */
export function chromeTrace(
  run: ProfiledRun,
  steps: readonly StepPath[],
  about: Readonly<Record<string, unknown>>,
): ChromeTrace {
  const zeroMs = Math.min(
    ...run.tracks.flatMap(({ spans }) => spans[0]?.startMs ?? []),
    ...steps.map(({ step }) => step.startMs),
  );
  const us = (ms: number): number => Math.round((ms - zeroMs) * 1000);
  const bar = (startMs: number, endMs: number): Pick<TraceEvent, "ts" | "dur"> => ({
    ts: us(startMs),
    dur: us(endMs) - us(startMs),
  });
  const pidOf = (track: Track): number => firstPid + run.tracks.indexOf(track);
  const events: TraceEvent[] = [
    named("process_name", overviewPid, 0, "run"),
    named("thread_name", overviewPid, 1, "steps"),
    ...(run.isOrdered ? [] : [named("thread_name", overviewPid, 2, "critical path")]),
  ];
  for (const { step, path } of steps) {
    const { startMs, endMs, timeline } = step;
    events.push({
      ...{ ph: "X", name: `step ${step.step}`, cat: "step", pid: overviewPid, tid: 1 },
      ...bar(startMs, endMs),
      args: { step: step.step, timeline, isWhole: step.isWhole },
    });
    for (const part of path)
      events.push({
        ...{ ph: "X", name: `${part.process} ${part.phase}`, cat: "critical path", pid: overviewPid, tid: 2 },
        ...bar(part.startMs, part.endMs),
        args: { step: step.step },
      });
  }
  for (const track of run.tracks) {
    const pid = pidOf(track);
    events.push(
      named("process_name", pid, 0, `${track.name} (${track.host}, process ${track.pid})`),
      { ph: "M", name: "process_sort_index", pid, tid: 0, args: { sort_index: pid } },
      named("thread_name", pid, mainThread, "main"),
    );
    if (track.role === "worker") events.push(named("thread_name", pid, computeThread, "compute"));
    for (const { phase, peer, timeline, step, startMs, endMs } of track.spans)
      events.push({
        ...{ ph: "X", name: phase, cat: track.role, pid, tid: threadOf(track, phase) },
        ...bar(startMs, endMs),
        args: { step, timeline, ...(peer !== undefined && { peer }) },
      });
  }
  const traceEvents = events.concat(arrows(run, pidOf, us));
  return { displayTimeUnit: "ms", otherData: about, traceEvents };
}

function threadOf({ role }: Track, phase: Span["phase"]): number {
  return role === "worker" && onComputeThread.has(phase) ? computeThread : mainThread;
}

function named(what: "process_name" | "thread_name", pid: number, tid: number, name: string): TraceEvent {
  return { ph: "M", name: what, pid, tid, args: { name } };
}

function arrows(run: ProfiledRun, pidOf: (track: Track) => number, us: (ms: number) => number): TraceEvent[] {
  const { remoteBefore } = dependencyFinder(run);
  const events: TraceEvent[] = [];
  let id = 0;
  for (const track of run.tracks)
    for (const segment of track.segments) {
      if (segment.phase !== "reduce" && segment.phase !== "receive") continue;
      const cause = remoteBefore({ track, segment });
      if (!cause) continue;
      id += 1;
      const name = segment.phase === "reduce" ? "push" : "weights";
      const from = { pid: pidOf(cause.track), tid: mainThread, ts: us(cause.segment.startMs) };
      const to = { pid: pidOf(track), tid: mainThread, ts: us(segment.startMs) };
      events.push(
        { ph: "s", name, cat: "message", id, ...from },
        { ph: "f", name, cat: "message", id, bp: "e", ...to },
      );
    }
  return events;
}
