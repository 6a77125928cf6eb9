import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHistory } from "./history.ts";
import type { CommitPoint } from "./run-snapshot.ts";

function point(step: number, evaluated = false): CommitPoint {
  return {
    step,
    atMs: step,
    stepMs: 1,
    samplesPerSecond: 1,
    workers: 1,
    loss: { digits: 1 },
    evaluation: evaluated ? { digits: { loss: 1 } } : {},
  };
}

describe("a bounded history", () => {
  it("keeps everything while there is room", () => {
    const history = createHistory(10);
    for (let step = 0; step < 10; step++) history.add(point(step));
    expect(history.points().map(({ step }) => step)).toEqual([...Array(10).keys()]);
  });

  it("never outgrows its limit, stays in order, and keeps the newest half whole", () => {
    const evaluations = fc.oneof(fc.constant(0), fc.constant(1), fc.integer({ min: 2, max: 40 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 60 }),
        fc.integer({ min: 0, max: 600 }),
        evaluations,
        (limit, steps, every) => {
          const history = createHistory(limit);
          for (let step = 0; step < steps; step++) history.add(point(step, every > 0 && step % every === 0));
          const kept = history.points().map(({ step }) => step);
          expect(kept.length).toBeLessThanOrEqual(limit);
          expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
          const newest = Math.min(steps, Math.floor(limit / 2));
          expect(kept.slice(-newest || kept.length)).toEqual(
            Array.from({ length: newest }, (_, at) => steps - newest + at),
          );
        },
      ),
    );
  });

  it("keeps every evaluation of a long run, and its first step", () => {
    const history = createHistory(200);
    for (let step = 0; step < 20_000; step++) history.add(point(step, step % 500 === 0));
    const kept = history.points();
    expect(kept[0]?.step).toBe(0);
    const evaluated = kept.filter(({ evaluation }) => "digits" in evaluation).map(({ step }) => step);
    expect(evaluated).toEqual(Array.from({ length: 40 }, (_, index) => index * 500));
  });
});
