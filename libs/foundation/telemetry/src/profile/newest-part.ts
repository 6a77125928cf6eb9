import type { ProfiledRun } from "./profiled-run.ts";
import type { StepPath } from "./summary.ts";

/** Of a run with more spans than these the newest, with the steps that began since. */
export function newestPart(
  run: ProfiledRun,
  steps: readonly StepPath[],
  mostSpans: number,
): { readonly run: ProfiledRun; readonly steps: readonly StepPath[] } {
  const count = run.tracks.reduce((sum, { spans }) => sum + spans.length, 0);
  if (count <= mostSpans) return { run, steps };
  const starts = new Float64Array(count);
  let place = 0;
  for (const { spans } of run.tracks) for (const { startMs } of spans) starts[place++] = startMs;
  const fromMs = starts.sort()[count - mostSpans] as number;
  const isNew = ({ startMs }: { readonly startMs: number }): boolean => startMs >= fromMs;
  const tracks = run.tracks.map((track) => ({
    ...track,
    spans: track.spans.filter(isNew),
    segments: track.segments.filter(isNew),
  }));
  return { run: { ...run, tracks }, steps: steps.filter(({ step }) => isNew(step)) };
}
