import { describe, expect, it } from "vitest";
import { alignClocks } from "./align-clocks.ts";
import { parseProfileLines, type ProfileLine } from "./profile-line.ts";
import { coordinatorLine, lineOf } from "./testing/lines.ts";

/** A process elsewhere whose clock is behind the coordinator's by `offsetMs`, with these delays on the way. */
function lineFromElsewhere(
  offsetMs: number,
  { sentMs, downMs, upMs }: { sentMs: number; downMs: number; upMs: number },
): ProfileLine {
  const heardMs = sentMs - 1;
  return {
    ...lineOf("worker-1", [["compute", 0, sentMs - 20, sentMs - 10]]),
    ...{ clock: "elsewhere", host: "b", zeroMs: 12_345, sentMs },
    atMs: sentMs + offsetMs + upMs,
    heard: [heardMs + offsetMs - downMs, heardMs],
  };
}

describe("clocks of several hosts", () => {
  it("differ by what the processes of one host say, to the microsecond and without a doubt", () => {
    const line = { ...lineOf("worker-1", [["compute", 0, 10, 20]]), zeroMs: 500, atMs: 530, sentMs: 25 };
    const [, worker] = alignClocks([coordinatorLine, { ...line, heard: [505, 6] }]);
    expect(worker?.spans[0]).toMatchObject({ startMs: 510, endMs: 520 });
    expect(worker?.clockErrorMs).toBe(0);
  });

  it("are known to half of the fastest ways there and back, whichever way is the slower", () => {
    const offsetMs = 777;
    const lines = [
      lineFromElsewhere(offsetMs, { sentMs: 1_000, downMs: 30, upMs: 0.5 }),
      lineFromElsewhere(offsetMs, { sentMs: 1_100, downMs: 1.5, upMs: 40 }),
      lineFromElsewhere(offsetMs, { sentMs: 1_200, downMs: 9, upMs: 9 }),
    ];
    const [, worker] = alignClocks([coordinatorLine, ...lines]);
    expect(worker?.clockErrorMs).toBeCloseTo(1, 1);
    const [first] = worker?.spans ?? [];
    const errorMs = Math.abs((first?.startMs ?? 0) - (980 + offsetMs));
    expect(errorMs).toBeLessThanOrEqual(worker?.clockErrorMs ?? 0);
    expect(errorMs).toBeGreaterThan(0.4);
  });

  it("that are said to be shared and are not, as in a container with its own, are taken for different ones", () => {
    const line = lineFromElsewhere(777, { sentMs: 1_000, downMs: 1, upMs: 1 });
    const [, worker] = alignClocks([coordinatorLine, { ...line, clock: "here" }]);
    expect(worker?.spans[0]?.startMs).toBeCloseTo(980 + 777, 0);
    expect(worker?.clockErrorMs).toBeCloseTo(1, 1);
  });

  it("of a process that was started again under its name are two", () => {
    const before = lineOf("worker-1", [["compute", 0, 10, 20]], 1);
    const after = {
      ...lineOf("worker-1", [["compute", 1, 1, 2]], 2),
      zeroMs: 100,
      atMs: 110,
      heard: [101, 1],
    };
    const text = [coordinatorLine, before, after].map((line) => JSON.stringify(line)).join("\n");
    const processes = alignClocks(parseProfileLines(`${text}\n{"process":"worker-1","at`));
    expect(processes.map(({ name, pid }) => [name, pid])).toEqual([
      ["coordinator", 1],
      ["worker-1", 1],
      ["worker-1", 2],
    ]);
    expect(processes[2]?.spans[0]).toMatchObject({ startMs: 101, endMs: 102 });
  });
});
