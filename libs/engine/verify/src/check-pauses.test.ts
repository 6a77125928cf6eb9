import { planStep, type RunSpec } from "@latentweave/plan";
import type { CommitRecord, PausedTask } from "@latentweave/protocol";
import { smallSpec } from "@latentweave/simulator";
import { describe, expect, it } from "vitest";
import { createPauseOrder, pauseFaults } from "./check-pauses.ts";

const spec: RunSpec = smallSpec({ steps: 9, pauseNotFinite: { retryAfterSteps: 3 } });
const pause = (since: number, task = "first"): PausedTask => ({
  ...{ task, since, until: since + 3, why: "its loss is NaN" },
});

const commitOf = (step: number, paused?: readonly PausedTask[], timeline = 0): CommitRecord =>
  ({
    ...{ step, version: step + 1, timeline, ...(paused && { paused }) },
    tasks: ["first", "second"].map((task) => ({ task, round: 0 })),
  }) as unknown as CommitRecord;

const faults = (step: number, paused: readonly PausedTask[], of = spec): string[] =>
  pauseFaults(of, planStep(of, step), commitOf(step, paused));

describe("a commit that leaves tasks out", () => {
  it("is as the job says where the pause lasts as long as it is to", () => {
    expect(faults(4, [pause(2)])).toEqual([]);
    expect(faults(5, [pause(2)])[0]).toContain("by a pause from step 2 until 5");
    expect(faults(4, [{ ...pause(2), until: null }])[0]).toContain("the job says until 5");
  });

  it("is refused where the job pauses nobody, and where nobody is left", () => {
    const { pauseNotFinite: _, ...stopping } = spec;
    expect(faults(4, [pause(4)], stopping)).toEqual(["tasks are left out, in a job that pauses none"]);
    expect(faults(4, [pause(4), pause(4, "second")])).toEqual(["all tasks are left out"]);
    expect(faults(4, [pause(4, "third")])[0]).toContain('task "third" is left out, and has no part');
  });
});

describe("pauses, over all commits", () => {
  const said = (commits: readonly CommitRecord[]): (string | undefined)[] => {
    const order = createPauseOrder();
    return commits.map((commit) => order.note(commit));
  };

  it("begin, go on to their end, and may begin again", () => {
    const paused = [pause(1)];
    const commits = [commitOf(0), ...[1, 2, 3].map((step) => commitOf(step, paused))];
    expect(said([...commits, commitOf(4, [pause(4)])])).toEqual([...commits, 0].map(() => undefined));
    expect(said([...commits, commitOf(4)])[4]).toBeUndefined();
  });

  it("have no gap, and a beginning of which there is a record", () => {
    expect(said([commitOf(1, [pause(1)]), commitOf(2)])[1]).toContain("in the middle of the pause");
    expect(said([commitOf(2, [pause(1)])])[0]).toContain("of which there is no record");
  });

  it("are forgotten where the record goes back to before them", () => {
    const order = createPauseOrder();
    order.note(commitOf(3, [pause(3)]));
    order.begin({ timeline: 1, fromVersion: 3, reason: "convicted", detail: "" });
    expect(order.note(commitOf(3, undefined, 1))).toBeUndefined();
    expect(order.note(commitOf(4, undefined, 1))).toBeUndefined();
  });
});
