import type { SpanRecorder } from "@latentweave/protocol";

/** Moments of one micro-batch, of the worker's clock. */
export interface MicroBatchMarks {
  /** Before it; a worker that is made slow for trial waits here. */
  readonly pausedMs: number;
  readonly startedMs: number;
  readonly readMs: number;
  readonly computedMs: number;
  /** The last part of the computation, where it is known. */
  readonly readBackMs: number | undefined;
}

/** What makes a machine slow for trial counts as its computing, as in its report. */
export function noteMicroBatch(
  spans: SpanRecorder | undefined,
  timeline: number,
  step: number,
  { pausedMs, startedMs, readMs, computedMs, readBackMs = 0 }: MicroBatchMarks,
): void {
  if (!spans) return;
  const readBackFromMs = Math.max(readMs, computedMs - readBackMs);
  if (startedMs - pausedMs > pausedAtLeastMs) spans.add("compute", timeline, step, pausedMs, startedMs);
  spans.add("data", timeline, step, startedMs, readMs);
  spans.add("compute", timeline, step, readMs, readBackFromMs);
  if (readBackMs > 0) spans.add("read-back", timeline, step, readBackFromMs, computedMs);
}

/** Less is the time that it takes to ask. */
const pausedAtLeastMs = 0.1;
