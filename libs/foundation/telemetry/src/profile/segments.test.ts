import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Span } from "./profile-line.ts";
import { flatten, quantileOf } from "./segments.ts";

const span = (phase: Span["phase"], startMs: number, endMs: number): Span => ({
  ...{ phase, startMs, endMs, peer: undefined, timeline: 0, step: 0 },
});
const inShort = (spans: readonly Span[]): string[] =>
  flatten(spans).map(({ phase, startMs, endMs }) => `${phase} ${startMs}-${endMs}`);

describe("spans made disjoint", () => {
  it("leave what lies within to the inner one", () => {
    expect(
      inShort([span("data", 0, 10), span("receive", 2, 4), span("receive", 5, 6), span("push", 12, 13)]),
    ).toEqual(["data 0-2", "receive 2-4", "data 4-5", "receive 5-6", "data 6-10", "push 12-13"]);
    expect(inShort([span("data", 0, 4), span("compute", 0, 4)])).toEqual(["compute 0-4"]);
  });

  it("are in order, do not overlap, and cover what the spans cover, whatever these are", () => {
    const spans = fc.array(fc.tuple(fc.nat(50), fc.nat(20)), { maxLength: 12 });
    fc.assert(
      fc.property(spans, (all) => {
        const own = all
          .map(([start, length]) => span("compute", start, start + length))
          .sort((a, b) => a.startMs - b.startMs || b.endMs - a.endMs);
        const segments = flatten(own);
        for (const [place, { startMs }] of segments.entries())
          expect(startMs).toBeGreaterThanOrEqual(segments[place - 1]?.endMs ?? 0);
        const covered = (those: readonly Span[], at: number): boolean =>
          those.some(({ startMs, endMs }) => startMs <= at && at < endMs);
        for (let at = 0; at < 80; at += 1) expect(covered(segments, at)).toBe(covered(own, at));
      }),
    );
  });

  it("have quantiles that are among their values", () => {
    expect(quantileOf([4, 1, 3, 2], 0.5)).toBe(2);
    expect(quantileOf([4, 1, 3, 2], 0.95)).toBe(4);
    expect(quantileOf([], 0.5)).toBe(0);
  });
});
