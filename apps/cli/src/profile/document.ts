import { type PathPart, type StepPath, sumsOf } from "@latentweave/telemetry";
import type { ReadProfile } from "./read-profile.ts";

/** What `--json` prints. Times are milliseconds, shares between 0 and 1. */
export function profileDocument(
  { runId, mode, run, summary, evaluated }: ReadProfile,
  asked: StepPath | undefined,
  trace: string,
): Readonly<Record<string, unknown>> {
  const shown = asked ?? summary.medianStep;
  const inEffect = new Map(run.steps.map(({ step, timeline }) => [step, timeline]));
  const byStep = new Map<number, Record<string, Record<string, number>>>();
  for (const { process, step, timeline, phases } of summary.ofSteps) {
    if (!run.isOrdered && inEffect.get(step) !== timeline) continue;
    const row = byStep.get(step) ?? {};
    byStep.set(step, row);
    row[process] = Object.fromEntries([...phases].map(([phase, ms]) => [phase, rounded(ms)]));
  }
  return {
    ...{ runId, mode, steps: summary.steps.length },
    first: summary.steps[0]?.step.step,
    last: summary.steps.at(-1)?.step.step,
    medianMs: rounded(summary.medianMs),
    p95Ms: rounded(summary.p95Ms),
    processes: summary.processes.map(({ phases, medianMs, ...one }) => ({
      ...{ ...one, medianMs: rounded(medianMs) },
      phases: phases.map((figures) => ({
        phase: figures.phase,
        medianMs: rounded(figures.medianMs),
        p95Ms: rounded(figures.p95Ms),
        share: rounded(figures.share),
      })),
    })),
    criticalPath: shown === undefined || run.isOrdered ? null : pathDocument(shown),
    culprits: summary.culprits.slice(0, 10).map(({ process, phase, ...figures }) => ({
      ...{ process, phase, meanMs: rounded(figures.meanMs) },
      ...{ share: rounded(figures.share), stepsShare: rounded(figures.stepsShare) },
    })),
    slow: summary.slow.map(({ ms, partMs, usualMs, ...one }) => ({
      ...{ ...one, ms: rounded(ms), partMs: rounded(partMs), usualMs: rounded(usualMs) },
      evaluated: evaluated.has(one.step),
    })),
    clocks: run.tracks.map(({ name, host, pid, clockErrorMs, lost }) => ({
      ...{ process: name, host, pid, errorMs: rounded(clockErrorMs), lostSpans: lost },
    })),
    perStep: summary.steps.map(({ step: { step, timeline }, ms, path }) => ({
      ...{ step, timeline, ms: rounded(ms), evaluated: evaluated.has(step) },
      path: sumsOf(path).map((sum) => ({ ...sum, ms: rounded(sum.ms) })),
      // Workers of the modes with an order compute planned steps, which are numbered otherwise.
      ...(run.isOrdered ? {} : { processes: byStep.get(step) ?? {} }),
    })),
    ...(run.isOrdered && {
      perPlannedStep: [...byStep].sort(([a], [b]) => a - b).map(([step, processes]) => ({ step, processes })),
    }),
    trace,
  };
}

function pathDocument({ step, ms, path }: StepPath): Readonly<Record<string, unknown>> {
  const part = ({ process, phase, startMs, endMs }: PathPart): Readonly<Record<string, unknown>> => ({
    ...{ process, phase, atMs: rounded(startMs - step.startMs), ms: rounded(endMs - startMs) },
  });
  return { step: step.step, ms: rounded(ms), parts: path.map(part) };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
