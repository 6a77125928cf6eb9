import type { RunSnapshot } from "@latentweave/telemetry";
import { describe, expect, it } from "vitest";
import { stripVTControlCharacters } from "node:util";
import { liveBlock } from "./live-block.ts";
import { cut } from "./live-screen.ts";
import { formatDuration, formatLoss, formatRate, formatShare, formatSize } from "./numbers.ts";
import { progressText } from "./progress-line.ts";
import { createProgressReducer } from "./progress-state.ts";
import { formatTable } from "./table.ts";

const snapshot: RunSnapshot = {
  apiVersion: 1,
  runId: "digits-1",
  name: "digits",
  state: "running",
  phase: "train",
  step: 100,
  totalSteps: 400,
  startedAtMs: 0,
  elapsedMs: 10_000,
  etaMs: 30_000,
  samplesPerSecond: 5_000,
  stepMs: 100,
  quorumId: 1,
  shards: 1,
  parameters: 1_234_567,
  learningRate: 0.001,
  tasks: [
    {
      task: "digits",
      samplesSeen: 50_000,
      training: { loss: 0.25 },
      evaluation: {
        step: 50,
        values: {
          loss: 0.3,
          reconstruction: 0.1,
          "reconstruction.squaredError": 0.0125,
          "label.accuracy": 0.9712,
        },
      },
    },
  ],
  workers: [
    {
      workerId: "worker-0",
      host: "here",
      pid: 4711,
      backend: "native",
      state: "active",
      rank: 0,
      leases: [{ task: "digits", start: 0, end: 4 }],
      samplesPerSecond: 2_500,
      computeMs: 20,
      fetchedBytes: 0,
      residentBytes: 512_000_000,
    },
    {
      workerId: "worker-1",
      host: "here",
      pid: 4712,
      backend: "native",
      state: "lost",
      rank: null,
      leases: [],
      samplesPerSecond: 0,
      computeMs: 0,
      fetchedBytes: 0,
      residentBytes: 0,
    },
  ],
  events: [{ atMs: 1_000, level: "warning", text: "worker worker-1 is lost" }],
  hash: null,
  reason: null,
};

describe("numbers for people", () => {
  it("are short and in units that fit", () => {
    expect([0.00912345, 1.5, 123_456.7, 1e-7, 0, Number.NaN].map(formatLoss)).toEqual([
      "0.009123",
      "1.500",
      "1.235e+5",
      "1.000e-7",
      "0",
      "NaN",
    ]);
    expect([950, 61_000, 3_725_000].map(formatDuration)).toEqual(["0.9 s", "1 min 1 s", "1 h 2 min"]);
    expect([12_345.6, 3.14159].map(formatRate)).toEqual(["12,346", "3.14"]);
    expect([1.5e9, 2.5e6, 900].map(formatSize)).toEqual(["1.5 GB", "2.5 MB", "0.9 kB"]);
    expect(formatShare(0.97125)).toBe("97.1 %");
  });
});

describe("a table", () => {
  it("leans numbers right, text left, and colours take no width", () => {
    expect(
      formatTable(
        ["name", "rows"],
        [
          ["\u001b[1mab\u001b[22m", "1,000"],
          ["abcdef", 7],
          ["x", null],
        ],
      ),
    ).toBe(
      ["name     rows", "\u001b[1mab\u001b[22m      1,000", "abcdef      7", "x           –"].join("\n"),
    );
  });
});

describe("the live block", () => {
  it("shows step, losses, rate, time left, workers and the newest events", () => {
    const progress = createProgressReducer();
    progress.take({ kind: "snapshot", snapshot });
    const lines = liveBlock(progress.state, { columns: 100, url: "http://127.0.0.1:1" }).map(
      stripVTControlCharacters,
    );
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d/, "HH:MM:SS"))).toEqual([
      "digits-1 running train  1,234,567 parameters  http://127.0.0.1:1",
      "██████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  100/400  25 %  5,000 samples/s  30 s left",
      "task      loss  last evaluation",
      "digits  0.2500  loss 0.3000  reconstruction error 0.01250  label 97.1 %",
      "worker    state    pid  backend  slots       samples/s    memory",
      "worker-0  active  4711  native   digits 0–4      2,500  512.0 MB",
      "worker-1  lost    4712  native",
      "HH:MM:SS worker worker-1 is lost",
    ]);
  });

  it("follows commits between snapshots", () => {
    const progress = createProgressReducer();
    progress.take({ kind: "snapshot", snapshot });
    progress.take({
      kind: "commit",
      point: {
        step: 100,
        atMs: 0,
        stepMs: 100,
        samplesPerSecond: 5_000,
        workers: 2,
        loss: { digits: 0.2 },
        evaluation: {},
      },
    });
    expect(progress.state).toMatchObject({ step: 101, loss: { digits: 0.2 }, samplesPerSecond: 5_000 });
    expect(progress.state.etaMs).toBeCloseTo(29_900);
    expect(progressText(progress.state)).toBe(
      "step 101/400 (25 %)  digits 0.2000  5,000 samples/s  1 worker  30 s left",
    );
  });

  it("does not show an event twice that came both in a snapshot and by itself", () => {
    const progress = createProgressReducer();
    const event = { atMs: 2_000, level: "info", text: "checkpoint" } as const;
    progress.take({ kind: "event", event });
    progress.take({ kind: "snapshot", snapshot: { ...snapshot, events: [...snapshot.events, event] } });
    progress.take({ kind: "event", event });
    expect(progress.state.events.filter(({ text }) => text === "checkpoint")).toHaveLength(1);
  });

  describe("of 139 tasks", () => {
    const tasks = Array.from({ length: 139 }, (_, at) => `school${String(at).padStart(3, "0")}`);
    const loss = Object.fromEntries(tasks.map((task, at) => [task, at === 7 ? Number.NaN : 1 + at / 100]));
    const seen = () => {
      const progress = createProgressReducer();
      const paused = {
        task: "school003",
        samplesSeen: 0,
        training: {},
        evaluation: null,
        paused: { since: 9, why: "its loss", until: null },
      };
      progress.take({
        kind: "snapshot",
        snapshot: {
          ...snapshot,
          tasks: [...snapshot.tasks, paused],
          workers: snapshot.workers.map((worker) => ({
            ...worker,
            leases: tasks.slice(0, 70).map((task) => ({ task, start: 0, end: 2 })),
          })),
        },
      });
      return { ...progress.state, loss };
    };

    it("a line for logs has their mean and their ends", () => {
      expect(progressText(seen())).toBe(
        "step 100/400 (25 %)  139 tasks: mean 1.694  lowest school000 1.000  highest school007 NaN  5,000 samples/s  1 worker  30 s left",
      );
    });

    it("the block shows whoever is paused, those with the highest losses, and how many more there are", () => {
      const lines = liveBlock(seen(), { columns: 100, url: "" }).map(stripVTControlCharacters);
      const rows = lines.filter((line) => line.startsWith("school"));
      expect(rows).toHaveLength(12);
      expect(rows[0]).toMatch(/^school003 \(paused\) +1\.030/);
      expect(rows[1]).toMatch(/^school007 +NaN/);
      expect(rows[2]).toMatch(/^school138 +2\.380/);
      expect(lines).toContain("and 127 more tasks, their losses lower; the mean of all is 1.694");
      expect(lines.some((line) => line.includes("140 of 70 tasks"))).toBe(true);
    });
  });

  it("cuts lines to the terminal without cutting colours apart", () => {
    expect(cut("\u001b[31mabcdef\u001b[39m", 4)).toBe("\u001b[31mabc…\u001b[0m");
    expect(cut("abcd", 4)).toBe("abcd");
  });
});
