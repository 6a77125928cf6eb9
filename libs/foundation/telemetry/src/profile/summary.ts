import { breakdown, type ProcessFigures, processFigures, type StepOfProcess } from "./breakdown.ts";
import { criticalPath, type PathPart, type PathPhase } from "./critical-path.ts";
import type { ProfiledRun, ProfiledStep } from "./profiled-run.ts";
import { medianOf, quantileOf } from "./segments.ts";

/** A part of the steps' time, by who spent it on what. */
export interface Culprit {
  readonly process: string;
  readonly phase: PathPhase;
  /** On the critical paths, per step. */
  readonly meanMs: number;
  /** Of the time of all steps. */
  readonly share: number;
  /** Of the steps, in which it was on the critical path at all. */
  readonly stepsShare: number;
}

export interface SlowStep {
  readonly step: number;
  readonly ms: number;
  /** What took longer than it usually does, most of all. */
  readonly process: string;
  readonly phase: PathPhase;
  readonly partMs: number;
  /** What that phase takes on the critical path, in the median. */
  readonly usualMs: number;
  /** Processes that did something in the step before, and nothing in this one. */
  readonly gone: readonly string[];
}

export interface StepPath {
  readonly step: ProfiledStep;
  readonly ms: number;
  readonly path: readonly PathPart[];
}

export interface ProfileSummary {
  readonly steps: readonly StepPath[];
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly processes: readonly ProcessFigures[];
  readonly ofSteps: readonly StepOfProcess[];
  /** The step whose time is the median; undefined where several are under way at a time. */
  readonly medianStep: StepPath | undefined;
  /** The largest first. */
  readonly culprits: readonly Culprit[];
  /** The slowest first. */
  readonly slow: readonly SlowStep[];
}

/** Slower than the median by half of it, and by more than a timer's grain. */
const slowFactor = 1.5;
const slowByMs = 1;

export function summarise(run: ProfiledRun): ProfileSummary {
  const steps = run.steps.map((step): StepPath => ({
    step,
    ms: step.endMs - step.startMs,
    path: run.isOrdered ? [] : criticalPath(run, step),
  }));
  // Of the first step recorded it is not known when it began.
  const known = steps.some(({ step }) => step.isWhole) ? steps.filter(({ step }) => step.isWhole) : steps;
  const times = known.map(({ ms }) => ms);
  const medianMs = medianOf(times);
  const ofSteps = breakdown(run);
  return {
    steps,
    medianMs,
    p95Ms: quantileOf(times, 0.95),
    processes: processFigures(run, ofSteps),
    ofSteps,
    medianStep: run.isOrdered ? undefined : known.find(({ ms }) => ms === medianMs),
    culprits: run.isOrdered ? [] : culpritsOf(known),
    slow: run.isOrdered ? [] : slowOf(known, medianMs, ofSteps),
  };
}

/** Time on the path by process and phase. */
export function sumsOf(path: readonly PathPart[]): { process: string; phase: PathPhase; ms: number }[] {
  const sums = new Map<string, { process: string; phase: PathPhase; ms: number }>();
  for (const { process, phase, startMs, endMs } of path) {
    const key = `${process} ${phase}`;
    const sum = sums.get(key) ?? { process, phase, ms: 0 };
    sum.ms += endMs - startMs;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

function culpritsOf(steps: readonly StepPath[]): Culprit[] {
  const found = new Map<string, { process: string; phase: PathPhase; ms: number; steps: number }>();
  const totalMs = steps.reduce((sum, { ms }) => sum + ms, 0);
  for (const { path } of steps)
    for (const { process, phase, ms } of sumsOf(path)) {
      const key = `${process} ${phase}`;
      const one = found.get(key) ?? { process, phase, ms: 0, steps: 0 };
      one.ms += ms;
      one.steps += 1;
      found.set(key, one);
    }
  return [...found.values()]
    .sort((a, b) => b.ms - a.ms)
    .map(({ process, phase, ms, steps: count }) => ({
      ...{ process, phase, meanMs: ms / steps.length },
      share: totalMs === 0 ? 0 : ms / totalMs,
      stepsShare: count / steps.length,
    }));
}

function slowOf(steps: readonly StepPath[], medianMs: number, ofSteps: readonly StepOfProcess[]): SlowStep[] {
  const byPhase = new Map<PathPhase, number[]>();
  for (const { path } of steps)
    for (const { phase, ms } of sumsOf(path)) {
      const values = byPhase.get(phase);
      if (values) values.push(ms);
      else byPhase.set(phase, [ms]);
    }
  // A phase that most steps do not have at all takes nothing, as a rule.
  const usual = (phase: PathPhase): number => {
    const values = byPhase.get(phase) ?? [];
    return values.length * 2 <= steps.length ? 0 : medianOf(values);
  };
  const present = new Map<string, Set<string>>();
  for (const { timeline, step, process } of ofSteps) {
    const key = `${timeline} ${step}`;
    const names = present.get(key) ?? new Set();
    present.set(key, names.add(process));
  }
  return steps
    .filter(({ ms }) => ms > slowFactor * medianMs && ms > medianMs + slowByMs)
    .sort((a, b) => b.ms - a.ms)
    .flatMap(({ step: { step, timeline }, ms, path }): SlowStep[] => {
      const excess = ({ phase, ms: part }: { phase: PathPhase; ms: number }): number => part - usual(phase);
      const [most] = sumsOf(path).sort((a, b) => excess(b) - excess(a));
      if (!most) return [];
      const now = present.get(`${timeline} ${step}`) ?? new Set();
      const gone = [...(present.get(`${timeline} ${step - 1}`) ?? [])].filter((name) => !now.has(name));
      const { process, phase, ms: partMs } = most;
      return [{ step, ms, process, phase, partMs, usualMs: usual(phase), gone }];
    });
}
