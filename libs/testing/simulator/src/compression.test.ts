import { keepsBits } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { type CompressionName, compressionNames, compressions } from "./cluster/tiny-jobs.ts";
import { formerScheduleOf } from "./schedule/generate.ts";
import { simulate } from "./simulate.ts";

const seeds = 6;

const keeps = (name: CompressionName): boolean => keepsBits({ compression: compressions[name] });

describe.each(compressionNames.filter((name) => !keeps(name)))(
  "a job that gives the same bits up with %s, whatever happens to its cluster",
  (compression) => {
    it.each(["plain", "related", "replicas", "stale", "async"] as const)(
      "keeps every other invariant: every micro-batch once, commits, weights and record in their order (%s)",
      { timeout: 600_000 },
      async (job) => {
        let faults = 0;
        for (let seed = 1; seed <= seeds; seed += 1) {
          const result = await simulate({ ...formerScheduleOf(seed), job, compression });
          expect(result.violations, `seed ${seed}`).toEqual([]);
          faults += result.faults;
        }
        expect(faults).toBeGreaterThan(seeds);
      },
    );
  },
);

describe.each(compressionNames.filter(keeps))(
  "a job with %s, whatever happens to its cluster",
  (compression) => {
    it.each(["plain", "related", "replicas"] as const)(
      "keeps every invariant, and comes to the bits of its undisturbed run (%s)",
      { timeout: 600_000 },
      async (job) => {
        let [faults, commits] = [0, 0];
        for (let seed = 1; seed <= seeds; seed += 1) {
          const result = await simulate({ ...formerScheduleOf(seed), job, compression });
          expect(result.violations, `seed ${seed}`).toEqual([]);
          faults += result.faults;
          commits += result.commits;
        }
        expect(faults).toBeGreaterThan(seeds);
        expect(commits).toBeGreaterThan(10 * seeds);
      },
    );

    it.each(["stale", "async"] as const)(
      "is applied once in modes with an order, and comes to the same bits again (%s)",
      { timeout: 600_000 },
      async (job) => {
        for (let seed = 1; seed <= seeds; seed += 1) {
          const result = await simulate({ ...formerScheduleOf(seed), job, compression });
          expect(result.violations, `seed ${seed}`).toEqual([]);
        }
      },
    );
  },
);

describe("what travels", () => {
  it("is mostly changes and encoded sums, pieces below the level as they are, and weights for who missed a version", async () => {
    const said = new Map<string, number>();
    const note = (what: string): void => void said.set(what, (said.get(what) ?? 0) + 1);
    for (let seed = 1; seed <= seeds; seed += 1)
      await simulate(
        { ...formerScheduleOf(seed), job: "plain", compression: "int8 on level 1, fp16 back" },
        {
          onSent({ message }) {
            if (message.type === "push")
              for (const { name, dtype } of message.payloads)
                if (name === "gradient") note(`${dtype} of level ${message.node.level}`);
            if (message.type === "broadcast")
              for (const { from } of message.slices) note(from === undefined ? "weights" : "change");
          },
        },
      );
    expect([...said.keys()].toSorted()).toEqual(["F32 of level 0", "I8 of level 1", "change", "weights"]);
    expect(said.get("change")).toBeGreaterThan(said.get("weights") ?? 0);
  });
});
