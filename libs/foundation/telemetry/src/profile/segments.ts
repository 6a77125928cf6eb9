import type { Span } from "./profile-line.ts";

/** Spans of one process, made disjoint: where one lies within another, the inner one counts. */
export type Segment = Span;

/** @param spans in order of their starts */
export function flatten(spans: readonly Span[]): Segment[] {
  const segments: Segment[] = [];
  const open: Span[] = [];
  let fromMs = Number.NEGATIVE_INFINITY;
  const put = (span: Span, untilMs: number): void => {
    const startMs = Math.max(fromMs, span.startMs);
    if (untilMs > startMs) segments.push({ ...span, startMs, endMs: untilMs });
    fromMs = Math.max(fromMs, untilMs);
  };
  const closeUntil = (moment: number): void => {
    for (let top = open.at(-1); top && top.endMs <= moment; top = open.at(-1)) {
      put(top, top.endMs);
      open.pop();
    }
  };
  for (const span of spans) {
    closeUntil(span.startMs);
    const outer = open.at(-1);
    if (outer) put(outer, span.startMs);
    fromMs = Math.max(fromMs, span.startMs);
    open.push(span);
  }
  closeUntil(Number.POSITIVE_INFINITY);
  return segments.sort((a, b) => a.startMs - b.startMs);
}

/** Index of the last element that begins before `moment`; −1 when none does. */
export function lastBefore(segments: readonly { readonly startMs: number }[], moment: number): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((segments[middle] as { startMs: number }).startMs < moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/** The smallest value that is not below this share of them; 0 of none. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
