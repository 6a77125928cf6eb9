import { describe, expect, it } from "vitest";
import { dense } from "./layer-functions.ts";
import { resolveJob } from "./resolve-job.ts";
import { runLength } from "./run-length.ts";

const task = { data: { dataset: "mnist" as const }, encoder: [dense(3)], decoder: [dense(4)] };
const withMode = (mode: unknown, more: object = {}): object => ({
  tasks: { a: { ...task, microBatch: 10, slots: 2 } },
  mode,
  epochs: 3,
  ...more,
});

describe("a job's mode", () => {
  it("is sync, or diloco with the outer optimiser of its authors", () => {
    expect(resolveJob(withMode(undefined)).mode).toEqual({ kind: "sync" });
    const diloco = { kind: "diloco", innerSteps: 20, outer: { learningRate: 0.7, momentum: 0.9 } };
    expect(resolveJob(withMode({ kind: "diloco", innerSteps: 20 })).mode).toEqual(diloco);
    expect(resolveJob(withMode({ kind: "diloco", innerSteps: 20, outer: { momentum: 0 } })).mode).toEqual({
      ...diloco,
      outer: { learningRate: 0.7, momentum: 0 },
    });
  });

  it("makes a step of diloco as many micro-batches longer as it has inner steps", () => {
    const length = (mode: unknown): number => runLength(resolveJob(withMode(mode)), { a: 2000 }).steps;
    expect(length({ kind: "sync" })).toBe(300);
    expect(length({ kind: "diloco", innerSteps: 25 })).toBe(12);
  });

  it.each([
    [
      "a mode that there is not",
      { kind: "gossip" },
      /mode\.kind.*"gossip".*"sync", "diloco", "stale".*"async"/s,
    ],
    ["no bound", { kind: "stale" }, /mode\.bound/],
    ["a bound that is no whole number", { kind: "stale", bound: 1.5 }, /mode\.bound.*got 1\.5/s],
    ["a bound where there is none", { kind: "async", bound: 3 }, /mode.*bound/s],
    ["no number of inner steps", { kind: "diloco" }, /mode\.innerSteps/],
    ["no inner step", { kind: "diloco", innerSteps: 0 }, /mode\.innerSteps.*got 0/s],
    [
      "too much momentum",
      { kind: "diloco", innerSteps: 2, outer: { momentum: 1 } },
      /mode\.outer\.momentum.*got 1/s,
    ],
  ])("is refused with %s", (_, mode, message) => {
    expect(() => resolveJob(withMode(mode))).toThrow(message);
  });

  it("is stale with a bound, or async, with steps as long as those of sync", () => {
    for (const mode of [{ kind: "stale", bound: 3 }, { kind: "stale", bound: 0 }, { kind: "async" }]) {
      const job = resolveJob(withMode(mode, { clipNorm: 1 }));
      expect(job.mode).toEqual(mode);
      expect(runLength(job, { a: 2000 }).steps).toBe(300);
    }
  });

  it("is refused beside audits where neighbours compute on other weights", () => {
    expect(() => resolveJob(withMode({ kind: "async" }, { audit: { share: 0.1 } }))).toThrow(
      /audit\.share.*async.*verify RUN --recompute/s,
    );
  });

  it("is refused beside a regulariser that the server could not apply", () => {
    const related = { regulariser: { omega: "mean", lambda: 0.1 }, tasks: { a: task, b: task } };
    for (const mode of [{ kind: "sync" }, { kind: "stale", bound: 3 }, { kind: "async" }])
      expect(() => resolveJob(withMode(mode, related))).not.toThrow();
    expect(() => resolveJob(withMode({ kind: "diloco", innerSteps: 2 }, related))).toThrow(
      /regulariser\.omega.*diloco/s,
    );
  });
});
