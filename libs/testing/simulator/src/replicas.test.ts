import { describe, expect, it } from "vitest";
import { formerScheduleOf } from "./schedule/generate.ts";
import { simulate } from "./simulate.ts";

const seeds = 24;

describe("a job of replicas, whatever happens to its cluster", () => {
  it("keeps every invariant, and comes to the bits of its undisturbed run", async () => {
    let [faults, commits] = [0, 0];
    for (let seed = 1; seed <= seeds; seed += 1) {
      const result = await simulate({ ...formerScheduleOf(seed), job: "replicas" });
      expect(result.violations, `seed ${seed}`).toEqual([]);
      faults += result.faults;
      commits += result.commits;
    }
    expect(faults).toBeGreaterThan(seeds);
    expect(commits).toBeGreaterThan(10 * seeds);
  });
});
