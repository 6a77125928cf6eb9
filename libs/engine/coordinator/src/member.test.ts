import type { Channel, MessageOf } from "@latentweave/protocol";
import { expect, it } from "vitest";
import { createMember, type Member, takeReport } from "./member.ts";

const hello = { id: "w", host: "here", pid: 1 } as MessageOf<"hello">;
const member = (): Member => createMember(hello, {} as Channel);

function report(to: Member, ...samplesPerSecond: readonly number[]): void {
  for (const rate of samplesPerSecond)
    takeReport(to, {
      type: "worker-report",
      runId: "r",
      steps: [{ step: 0, timings: { compute: 1000 }, microBatches: 1, samples: rate }],
      fetchedBytes: 0,
      residentBytes: 0,
    });
}

it("two slow steps do not change what a worker's speed is taken to be; a third does", () => {
  const one = member();
  report(one, 1, 100, 100, 100, 100, 100);
  report(one, 10, 10);
  expect(one.samplesPerSecond).toBe(100);
  report(one, 10);
  expect(one.samplesPerSecond).toBe(10);
});

it("the first step, which warms kernels up, is not measured", () => {
  const one = member();
  report(one, 1);
  expect(one.samplesPerSecond).toBeUndefined();
  report(one, 100);
  expect(one.samplesPerSecond).toBe(100);
});
