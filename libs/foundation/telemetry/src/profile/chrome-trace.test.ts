import { describe, expect, it } from "vitest";
import { chromeTrace, type TraceEvent } from "./chrome-trace.ts";
import { profiledRun } from "./profiled-run.ts";
import { summarise } from "./summary.ts";
import { twoWorkers } from "./testing/two-workers.ts";

const run = profiledRun(twoWorkers(), false);
const { traceEvents } = chromeTrace(run, summarise(run).steps, { run: "r" });
const nameOf = (pid: number): unknown =>
  traceEvents.find((event) => event.name === "process_name" && event.pid === pid)?.args?.name;
const bars = (name: string): TraceEvent[] =>
  traceEvents.filter((event) => event.ph === "X" && event.name === name);

describe("a trace", () => {
  it("begins at zero and holds each span where its process is, computing apart from the main thread", () => {
    expect(Math.min(...traceEvents.flatMap(({ ts }) => ts ?? []))).toBe(0);
    const long = bars("compute").find(({ dur }) => dur === 18_500) as TraceEvent;
    expect(nameOf(long.pid)).toBe("worker-1 (here, process 1)");
    // From the first push at 80 on.
    expect(long.ts).toBe(21_500);
    const push = bars("push").find(({ pid, args }) => pid === long.pid && args?.step === 1);
    expect(push?.tid).not.toBe(long.tid);
  });

  it("shows the steps and their critical path in rows of their own", () => {
    const [step] = bars("step 1");
    expect(step).toMatchObject({ ts: 20_000, dur: 32_000 });
    const path = traceEvents.filter(({ cat, args }) => cat === "critical path" && args?.step === 1);
    expect(path.reduce((sum, { dur = 0 }) => sum + dur, 0)).toBe(32_000);
    expect(path.every(({ pid, tid }) => pid === step?.pid && tid !== step.tid)).toBe(true);
  });

  it("has an arrow from each push to its sum, and from the weights that leave to who receives them", () => {
    const starts = traceEvents.filter(({ ph }) => ph === "s");
    const ends = traceEvents.filter(({ ph }) => ph === "f");
    const told = starts.map(({ id, name, pid }) => {
      const end = ends.find((event) => event.id === id);
      return [name, nameOf(pid), nameOf(end?.pid ?? 0)].map((text) => String(text).split(" ")[0]).join(" ");
    });
    expect(told.sort()).toEqual([
      "push worker-0 shard-0",
      "push worker-1 shard-0",
      "weights shard-0 worker-0",
      "weights shard-0 worker-1",
    ]);
  });
});
