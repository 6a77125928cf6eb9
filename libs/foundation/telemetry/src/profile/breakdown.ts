import type { PathPhase } from "./critical-path.ts";
import type { ProfiledRun, Track } from "./profiled-run.ts";
import { medianOf, quantileOf, type Segment } from "./segments.ts";
import { waitReader, type WaitReader } from "./waiting.ts";

/**
 * One process in one step, from the end of what it did for the one before: its phases add up to `ms` (those of the
 * coordinator do not, which most of the time has nothing to do with steps). */
export interface StepOfProcess {
  readonly process: string;
  readonly timeline: number;
  /** Of a worker in the modes `stale` and `async`: the planned one. */
  readonly step: number;
  readonly ms: number;
  readonly phases: ReadonlyMap<PathPhase, number>;
  /** What came before it was recorded too: else when it began is not known. */
  readonly isWhole: boolean;
}

export interface PhaseFigures {
  readonly phase: PathPhase;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Of all the time of the process. */
  readonly share: number;
}

export interface ProcessFigures {
  readonly process: string;
  readonly role: Track["role"];
  readonly steps: number;
  readonly medianMs: number;
  readonly phases: readonly PhaseFigures[];
}

/** How a process's time is written: in the order of a step. */
export const phaseOrder: readonly PathPhase[] = [
  ...(["receive", "data", "compute", "read-back", "push", "queue", "reduce", "combine"] as const),
  ...(["commit", "update", "broadcast", "digest", "record", "idle"] as const),
];

export function breakdown(run: ProfiledRun): StepOfProcess[] {
  const waits = waitReader(run);
  return run.tracks.flatMap((track) => stepsOfTrack(track, waits));
}

export function processFigures(run: ProfiledRun, all: readonly StepOfProcess[]): ProcessFigures[] {
  const inEffect = new Map(run.steps.map(({ step, timeline }) => [step, timeline]));
  const names = [...new Set(run.tracks.map(({ name }) => name))];
  const byName = new Map<string, StepOfProcess[]>(names.map((name) => [name, []]));
  for (const one of all)
    if (one.isWhole && (run.isOrdered || inEffect.get(one.step) === one.timeline))
      byName.get(one.process)?.push(one);
  return [...byName].flatMap(([process, steps]): ProcessFigures[] => {
    const role = run.tracks.find(({ name }) => name === process)?.role;
    if (!role || steps.length === 0) return [];
    const totalMs = steps.reduce((sum, { ms }) => sum + ms, 0);
    const phases = phaseOrder.flatMap((phase): PhaseFigures[] => {
      const values = steps.map((step) => step.phases.get(phase) ?? 0);
      const sum = values.reduce((before, value) => before + value, 0);
      if (sum === 0) return [];
      return [
        {
          ...{ phase, medianMs: medianOf(values), p95Ms: quantileOf(values, 0.95) },
          share: totalMs === 0 ? 0 : sum / totalMs,
        },
      ];
    });
    return [{ process, role, steps: steps.length, medianMs: medianOf(steps.map(({ ms }) => ms)), phases }];
  });
}

/** A worker's step is over with the last that it does for it, a shard's with the weights that it sends. */
function endsStep({ role }: Track, { phase }: Segment): boolean {
  return role === "shard" ? phase === "commit" || phase === "update" || phase === "broadcast" : true;
}

function stepsOfTrack(track: Track, waits: WaitReader): StepOfProcess[] {
  const { segments, name, role } = track;
  const ends = new Map<string, Segment>();
  for (const segment of segments)
    if (endsStep(track, segment)) ends.set(`${segment.timeline} ${segment.step}`, segment);
  const inOrder = [...ends.values()].sort((a, b) => a.endMs - b.endMs);
  const steps: StepOfProcess[] = [];
  let place = 0;
  for (const [at, end] of inOrder.entries()) {
    const startMs = inOrder[at - 1]?.endMs ?? segments[0]?.startMs ?? 0;
    const phases = new Map<PathPhase, number>();
    const add = (phase: PathPhase, ms: number): void => void phases.set(phase, (phases.get(phase) ?? 0) + ms);
    for (; place < segments.length; place++) {
      const segment = segments[place] as Segment;
      if (segment.endMs > end.endMs) break;
      const before = segments[place - 1];
      if (role === "worker") waits(name, before, segment, add);
      else if (before && role === "shard") add("idle", segment.startMs - before.endMs);
      add(segment.phase, segment.endMs - segment.startMs);
    }
    const { timeline, step } = end;
    steps.push({ process: name, timeline, step, ms: end.endMs - startMs, phases, isWhole: at > 0 });
  }
  return steps;
}
