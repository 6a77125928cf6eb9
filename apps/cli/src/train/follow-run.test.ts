import type { CommitPoint, RunSnapshot, StreamMessage } from "@latentweave/telemetry";
import { describe, expect, it } from "vitest";
import type { Output } from "../command/output.ts";
import { followRun } from "./follow-run.ts";
import { catchInterrupts } from "./interrupts.ts";
import type { LaunchedRun, RunEnd } from "./launched-run.ts";
import { exitCodeOf, formatResult } from "./run-result.ts";
import { createRunView } from "./run-view.ts";

const snapshot = {
  runId: "r",
  state: "running",
  step: 0,
  totalSteps: 40,
  samplesPerSecond: 0,
  stepMs: 0,
  tasks: [],
  workers: [],
  events: [],
} as unknown as RunSnapshot;

function commit(step: number): StreamMessage {
  const point: CommitPoint = {
    step,
    atMs: 0,
    stepMs: 1,
    samplesPerSecond: 1_000,
    workers: 1,
    loss: { a: 1 / (step + 1) },
    evaluation: {},
  };
  return { kind: "commit", point };
}

async function* sendAll(messages: readonly StreamMessage[]): AsyncGenerator<StreamMessage> {
  yield* messages;
}

/** A run that sends what it is told and ends. */
function scriptedRun(
  messages: readonly StreamMessage[],
  end: RunEnd,
): LaunchedRun & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    runId: "r",
    directory: "/runs/r",
    url: "http://127.0.0.1:1",
    snapshotStream: sendAll(messages),
    async stop(reason) {
      calls.push(`stop: ${reason}`);
    },
    stopNow() {
      calls.push("stop now");
    },
    ended: Promise.resolve(end),
    calls,
  };
}

function collectingOutput(json: boolean): Output & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    json,
    quiet: false,
    lines,
    result: (_, text) => lines.push(text),
    jsonLine: (value) => lines.push(JSON.stringify(value)),
    line: (text) => lines.push(text),
    note: () => undefined,
  };
}

const plain = { isTTY: false } as unknown as typeof process.stdout;

describe("plain lines", () => {
  it("come for the first and the last step and for events, not for every step", async () => {
    const output = collectingOutput(false);
    const event: StreamMessage = {
      kind: "event",
      event: { atMs: 5, level: "info", text: "worker-0 joined" },
    };
    const messages = [
      { kind: "snapshot", snapshot } as const,
      event,
      ...Array.from({ length: 40 }, (_, step) => commit(step)),
    ];
    const run = scriptedRun(messages, { state: "finished", version: 40, hash: "abc", reason: null });
    const result = await followRun(run, createRunView(output, run.url, plain));
    const steps = output.lines.filter((line) => line.startsWith("step"));
    expect(steps[0]).toMatch(/^step {2}1\/40 \(2 %\) {2}a 1\.000/);
    expect(steps.at(-1)).toMatch(/^step 40\/40 \(100 %\) {2}a 0\.02500/);
    expect(steps.length).toBeLessThan(6);
    expect(output.lines.filter((line) => line.includes("worker-0 joined"))).toHaveLength(1);
    expect(result).toMatchObject({ state: "finished", step: 40, hash: "abc" });
    expect(exitCodeOf(result)).toBe(0);
  });
});

describe("JSON lines", () => {
  it("are the messages as they are", async () => {
    const output = collectingOutput(true);
    const run = scriptedRun([commit(0)], { state: "failed", version: 1, hash: null, reason: "NaN" });
    const result = await followRun(run, createRunView(output, run.url, plain));
    expect(output.lines.map((line) => JSON.parse(line) as unknown)).toEqual([commit(0)]);
    expect(exitCodeOf(result)).toBe(1);
    expect(formatResult(result, "")).toContain("reason  NaN");
  });
});

describe("a run that failed", () => {
  it("is told with the error that it failed over, not with that of its launcher", async () => {
    const text = "failed: ledger/commits.jsonl: the disk is full";
    const event: StreamMessage = { kind: "event", event: { atMs: 5, level: "error", text } };
    const run = scriptedRun([event], { state: "failed", version: 0, hash: null, reason: "exit code 1" });
    const result = await followRun(run, createRunView(collectingOutput(true), run.url, plain));
    expect(result.reason).toBe("ledger/commits.jsonl: the disk is full");
  });
});

describe("Ctrl-C", () => {
  it("asks for a checkpoint first, and ends at once the second time", async () => {
    const interrupts = catchInterrupts();
    const said: string[] = [];
    const run = scriptedRun([], {
      state: "interrupted",
      version: 3,
      hash: "abc",
      reason: "interrupted by the user",
    });
    try {
      process.emit("SIGINT");
      interrupts.attach(run, (text) => said.push(text));
      expect(run.calls).toEqual(["stop: interrupted by the user"]);
      process.emit("SIGINT");
      expect(run.calls).toEqual(["stop: interrupted by the user", "stop now"]);
      expect(said[0]).toContain("Ctrl-C again ends at once");
    } finally {
      interrupts.release();
    }
    const result = await followRun(run, createRunView(collectingOutput(true), run.url, plain));
    expect(exitCodeOf(result)).toBe(130);
    expect(formatResult(result, " --runs x")).toContain("latentweave train --resume --run-id r --runs x");
  });
});
