import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { criticalPath } from "./critical-path.ts";
import { profiledRun, type ProfiledStep } from "./profiled-run.ts";
import type { ProfileLine } from "./profile-line.ts";
import { coordinatorLine, lineOf, type Told } from "./testing/lines.ts";
import { endOfStepZero, twoWorkers } from "./testing/two-workers.ts";

function pathOf(lines: readonly ProfileLine[], step = 1): string[] {
  const run = profiledRun(lines, false);
  const wanted = run.steps.find((one) => one.step === step) as ProfiledStep;
  return criticalPath(run, wanted).map(
    ({ process, phase, startMs, endMs }) => `${process} ${phase} ${startMs}-${endMs}`,
  );
}

describe("the critical path of a step", () => {
  it("goes by the worker that everybody waits for, and accounts for every moment", () => {
    expect(pathOf(twoWorkers())).toEqual([
      "worker-1 queue 100-100.5",
      "worker-1 receive 100.5-101.5",
      "worker-1 compute 101.5-120",
      "worker-1 read-back 120-121",
      "worker-1 push 121-122",
      "shard-0 queue 122-123",
      "shard-0 reduce 123-125",
      "shard-0 combine 125-126",
      "shard-0 commit 126-127",
      "shard-0 update 127-130",
      "shard-0 broadcast 130-132",
    ]);
  });

  it("stays with a shard that has more to add than it can, although both workers are early", () => {
    const workers = ["worker-0", "worker-1"].map((name) =>
      lineOf(name, [
        ["receive", 1, 100, 101, "shard-0"],
        ["compute", 1, 101, 104],
        ["push", 1, 104, 105],
      ]),
    );
    const shard = lineOf("shard-0", [
      ...endOfStepZero,
      ["reduce", 1, 105, 115, "worker-0"],
      ["reduce", 1, 115, 125, "worker-1"],
      ["commit", 1, 125, 126],
      ["broadcast", 1, 126, 127],
    ]);
    expect(pathOf([coordinatorLine, ...workers, shard])).toEqual([
      "worker-0 receive 100-101",
      "worker-0 compute 101-104",
      "worker-0 push 104-105",
      "shard-0 reduce 105-125",
      "shard-0 commit 125-126",
      "shard-0 broadcast 126-127",
    ]);
  });

  it("goes from the leader's decision to the shard that has its weights out last", () => {
    const worker = lineOf("worker-0", [
      ["receive", 1, 100, 101, "shard-0"],
      ["compute", 1, 101, 110],
      ["push", 1, 110, 112],
    ]);
    const leader = lineOf("shard-0", [
      ...endOfStepZero,
      ["reduce", 1, 111, 113, "worker-0"],
      ["combine", 1, 113, 114],
      ["combine", 1, 119, 120],
      ["commit", 1, 120, 121],
      ["update", 1, 121, 123],
      ["broadcast", 1, 123, 124],
    ]);
    const follower = lineOf("shard-1", [
      ["broadcast", 0, 97, 99],
      ["reduce", 1, 112, 116, "worker-0"],
      ["combine", 1, 116, 118],
      ["update", 1, 122, 129],
      ["broadcast", 1, 129, 131],
    ]);
    expect(pathOf([coordinatorLine, worker, leader, follower])).toEqual([
      "worker-0 receive 100-101",
      "worker-0 compute 101-110",
      "worker-0 push 110-112",
      "shard-1 reduce 112-116",
      "shard-1 combine 116-118",
      "shard-0 queue 118-119",
      "shard-0 combine 119-120",
      "shard-0 commit 120-121",
      "shard-1 queue 121-122",
      "shard-1 update 122-129",
      "shard-1 broadcast 129-131",
    ]);
  });

  it("shows that nobody did anything until the slots of a lost worker had been given to another one", () => {
    const worker = lineOf("worker-0", [
      ["receive", 1, 100, 101, "shard-0"],
      ["compute", 1, 101, 110],
      ["push", 1, 110, 111],
      ["compute", 1, 170, 179],
      ["push", 1, 179, 180],
    ]);
    const shard = lineOf("shard-0", [
      ...endOfStepZero,
      ["reduce", 1, 111, 112, "worker-0"],
      ["reduce", 1, 180, 181, "worker-0"],
      ["commit", 1, 181, 182],
      ["broadcast", 1, 182, 184],
    ]);
    expect(pathOf([coordinatorLine, worker, shard]).slice(2, 6)).toEqual([
      "worker-0 push 110-111",
      "worker-0 idle 111-170",
      "worker-0 compute 170-179",
      "worker-0 push 179-180",
    ]);
  });

  it("ends with the commit where a step changes nothing", () => {
    const worker = lineOf("worker-0", [
      ["compute", 1, 101, 110],
      ["push", 1, 110, 111],
    ]);
    const shard = lineOf("shard-0", [
      ...endOfStepZero,
      ["reduce", 1, 111, 112, "worker-0"],
      ["commit", 1, 112, 113],
    ]);
    expect(pathOf([coordinatorLine, worker, shard]).at(-1)).toBe("shard-0 commit 112-113");
  });

  it("goes by the push of a worker whose clock is ahead, as far as its clock is known", () => {
    // By 2 ms, where it is known to 3: its push seems to begin when it was added already.
    const ahead = { clock: "elsewhere", heard: [-1, 0] as [number, number], sentMs: 0, atMs: 5 };
    const lines = twoWorkers().map((line) => (line.process === "worker-1" ? { ...line, ...ahead } : line));
    expect(pathOf(lines).slice(0, 6)).toEqual([
      "worker-1 queue 100-102.5",
      "worker-1 receive 102.5-103.5",
      "worker-1 compute 103.5-122",
      "worker-1 read-back 122-123",
      "shard-0 reduce 123-125",
      "shard-0 combine 125-126",
    ]);
  });
});

describe("whatever was recorded", () => {
  const phase = fc.constantFrom(
    "compute",
    "push",
    "receive",
    "reduce",
    "combine",
    "commit",
    "update",
    "broadcast",
  );
  const told = fc.tuple(
    phase,
    fc.nat(2),
    fc.nat(90),
    fc.nat(30),
    fc.constantFrom("shard-0", "worker-0", "worker-1"),
  );
  const lines = fc.array(fc.array(told, { maxLength: 12 }), { minLength: 3, maxLength: 3 });

  it("the parts of each path follow one another from the step's beginning to its end", () => {
    let paths = 0;
    fc.assert(
      fc.property(lines, (all) => {
        const made = all.map((spans, place) =>
          lineOf(
            ["shard-0", "worker-0", "worker-1"][place] as string,
            spans.map(([name, step, start, length, peer]): Told => [name, step, start, start + length, peer]),
          ),
        );
        const run = profiledRun([coordinatorLine, ...made], false);
        expect(new Set(run.steps.map(({ step }) => step)).size).toBe(run.steps.length);
        for (const step of run.steps) {
          const path = criticalPath(run, step);
          for (const [place, { startMs, endMs }] of path.entries()) {
            expect(endMs).toBeGreaterThan(startMs);
            if (place > 0) expect(startMs).toBe(path[place - 1]?.endMs);
          }
          if (path.length === 0) continue;
          paths += 1;
          expect(path.at(-1)?.endMs).toBe(step.endMs);
          expect(path[0]?.startMs).toBe(step.startMs);
        }
      }),
    );
    expect(paths).toBeGreaterThan(20);
  });
});
