import type { CommitPoint, RunSnapshot } from "@latentweave/telemetry";
import { describe, expect, it } from "vitest";
import { retryDelayMs } from "./connection.ts";
import { lossCurves, membershipChanges, smooth, speedCurve } from "./curves.ts";
import { bytes, duration, measured, milliseconds, percent, short, whole } from "./format.ts";
import { emptyModel, isOver, loaded, received } from "./model.ts";
import { scriptedPoint, scriptedPoints, scriptedSnapshot } from "./testing/scripted-run.ts";

const plain = (text: string): string => text.replaceAll("\u202f", " ");

describe("figures", () => {
  it("are short, in units, and never NaN", () => {
    expect([0, 999, 12_345, 1_234_567].map(whole).map(plain)).toEqual(["0", "999", "12 345", "1 234 567"]);
    expect([9_999, 83_742, 837_424, 3_312_000].map(short).map(plain)).toEqual([
      "9 999",
      "83.7 k",
      "837 k",
      "3.31 M",
    ]);
    expect([0.123456, 12, 0, 1e-7, Number.NaN, null, undefined].map(measured)).toEqual([
      "0.1235",
      "12.00",
      "0",
      "1.00e-7",
      "–",
      "–",
      "–",
    ]);
    expect(plain(percent(0.9764))).toBe("97.6 %");
    expect([4_000, 245_000, 7_620_000].map(duration).map(plain)).toEqual(["4 s", "4 min 05 s", "2 h 07 min"]);
    expect([0, 4.21, 120.4, 15_000].map(milliseconds).map(plain)).toEqual([
      "–",
      "4.2 ms",
      "120 ms",
      "15.0 s",
    ]);
    expect([0, 400 * 2 ** 20, 3 * 2 ** 29].map(bytes).map(plain)).toEqual(["–", "400 MiB", "1.5 GiB"]);
  });
});

describe("curves", () => {
  it("leave gaps where a task has no value", () => {
    const points = [scriptedPoint(50), { ...scriptedPoint(51), loss: {} }];
    const curves = lossCurves(points, ["digits", "unknown"]);
    expect(curves.training[0]).toEqual([points[0]?.loss.digits, null]);
    expect(curves.training[1]).toEqual([null, null]);
    expect(curves.evaluation[0]?.[0]).toBeCloseTo(points[0]?.evaluation.digits?.loss ?? 0);
  });

  it("are smoothed without bias at the start and without lag on a constant", () => {
    expect(smooth(Array<number>(500).fill(3)).every((value) => Math.abs((value ?? 0) - 3) < 1e-9)).toBe(true);
    expect(smooth([5, null, 7])[0]).toBe(5);
    const noisy = Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? 1 : -1));
    expect(
      Math.max(
        ...smooth(noisy)
          .slice(200)
          .map((value) => Math.abs(value ?? 0)),
      ),
    ).toBeLessThan(0.1);
  });

  it("leave out steps without a measured speed and mark where workers came and went", () => {
    const points = scriptedPoints(300);
    expect(speedCurve(points).steps[0]).toBe(1);
    expect(membershipChanges(points)).toEqual([
      { step: 150, from: 2, to: 1 },
      { step: 235, from: 1, to: 2 },
    ]);
  });
});

describe("what the page knows", () => {
  const start = loaded(emptyModel(), scriptedSnapshot(10), scriptedPoints(10));

  it("moves with each commit, before the next snapshot", () => {
    const { snapshot } = received(start, { kind: "commit", point: scriptedPoint(50) });
    expect(snapshot?.step).toBe(51);
    expect(snapshot?.tasks[0]?.training.loss).toBe(scriptedPoint(50).loss.digits);
    expect(snapshot?.tasks[0]?.evaluation?.step).toBe(50);
  });

  it("does not count a step that only evaluated", () => {
    const point: CommitPoint = { ...scriptedPoint(400), loss: {} };
    expect(received(start, { kind: "commit", point }).snapshot?.step).toBe(400);
  });

  it("takes a commit once that came with the history and again by the stream", () => {
    const model = loaded(emptyModel(), scriptedSnapshot(10), scriptedPoints(10));
    const twice = received(model, { kind: "commit", point: scriptedPoint(9) });
    expect(twice.history.points().map(({ step }) => step)).toEqual([...Array(10).keys()]);
  });

  it("keeps the newest 200 events", () => {
    let model = start;
    for (let index = 0; index < 250; index++)
      model = received(model, {
        kind: "event",
        event: { atMs: index, level: "info", text: `event ${index}` },
      });
    expect(model.snapshot?.events).toHaveLength(200);
    expect(model.snapshot?.events.at(-1)?.text).toBe("event 249");
  });

  it("knows which states are the last", () => {
    const states: readonly RunSnapshot["state"][] = ["starting", "waiting", "running", "stopping"];
    expect(states.some((state) => isOver(scriptedSnapshot(1, state)))).toBe(false);
    expect(isOver(scriptedSnapshot(1, "failed"))).toBe(true);
    expect(isOver(undefined)).toBe(false);
  });
});

describe("reconnecting", () => {
  it("waits longer each time, up to eight seconds", () => {
    expect([0, 1, 2, 3, 4, 9].map(retryDelayMs)).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
  });
});
