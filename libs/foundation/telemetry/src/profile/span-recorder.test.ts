import { describe, expect, it } from "vitest";
import { spansOf } from "./profile-line.ts";
import { createSpanRecorder, type OwnRecorder } from "./span-recorder.ts";

function recorder(clock: { now: number }): OwnRecorder {
  const nowMs = (): number => clock.now;
  return createSpanRecorder({ nowMs, hostNowMs: () => clock.now + 1000, pid: 7, host: "a", clock: "x" });
}

describe("a recorder of spans", () => {
  it("keeps nothing and tells nothing where the run is not profiled", () => {
    const spans = recorder({ now: 0 });
    spans.add("compute", 0, 0, 1, 2);
    expect(spans.take()).toBeUndefined();
    spans.welcomed(undefined);
    spans.add("compute", 0, 0, 1, 2);
    expect(spans.take()).toBeUndefined();
  });

  it("gives what was added back, to the microsecond, and each of it once", () => {
    const spans = recorder({ now: 5 });
    spans.welcomed({ nowMs: 0, zeroMs: 0 });
    spans.add("reduce", 1, 2, 10.0004, 12.5, "worker-1");
    spans.add("reduce", 1, 2, 13, 14, "worker-0");
    spans.add("update", 1, 2, 14, 15);
    const taken = spans.take();
    expect(taken && spansOf(taken)).toEqual([
      { phase: "reduce", peer: "worker-1", timeline: 1, step: 2, startMs: 10, endMs: 12.5 },
      { phase: "reduce", peer: "worker-0", timeline: 1, step: 2, startMs: 13, endMs: 14 },
      { phase: "update", peer: undefined, timeline: 1, step: 2, startMs: 14, endMs: 15 },
    ]);
    expect(taken).toMatchObject({ pid: 7, host: "a", clock: "x", zeroMs: 1000, sentMs: 5, lost: 0 });
    expect(spans.take()).toMatchObject({ names: [], spans: [] });
  });

  it("counts what it has no room for, and has room again afterwards", () => {
    const spans = recorder({ now: 0 });
    spans.welcomed({ nowMs: 0, zeroMs: 0 });
    for (let index = 0; index < 8_200; index += 1) spans.add("reduce", 0, 0, index, index + 1, "w");
    const taken = spans.take();
    expect(taken?.lost).toBe(8);
    expect(taken?.spans).toHaveLength(8_192 * 6);
    spans.add("reduce", 0, 0, 1, 2);
    expect(spans.take()).toMatchObject({ lost: 0 });
  });

  it("says what it heard last of the coordinator's clock, and takes no word of one that has not welcomed it", () => {
    const clock = { now: 3 };
    const spans = recorder(clock);
    spans.welcomed({ nowMs: 100, zeroMs: 1_000 });
    expect(spans.take()?.heard).toEqual([1_100, 3]);
    clock.now = 9;
    spans.heard(105);
    expect(spans.take()?.heard).toEqual([1_105, 9]);
    // Another coordinator, whose clock begins anew.
    spans.connected();
    spans.heard(1);
    expect(spans.take()?.heard).toEqual([1_105, 9]);
    spans.welcomed({ nowMs: 2, zeroMs: 2_000 });
    clock.now = 11;
    spans.heard(4);
    expect(spans.take()?.heard).toEqual([2_004, 11]);
  });
});
