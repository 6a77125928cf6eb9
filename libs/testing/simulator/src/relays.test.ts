import { describe, expect, it } from "vitest";
import { scheduleOf } from "./schedule/generate.ts";
import type { Schedule } from "./schedule/schedule.ts";
import { simulate } from "./simulate.ts";

const seeds = Number(process.env["LATENTWEAVE_RELAY_SEEDS"] ?? 60);
const from = Number(process.env["LATENTWEAVE_RELAY_FROM"] ?? 1);

/** What of it reached the shards, and by whom. */
async function run(schedule: Schedule): Promise<{ direct: number; relayed: number; parts: number }> {
  const tally = { direct: 0, relayed: 0, parts: 0 };
  const { violations } = await simulate(schedule, {
    onSent({ message, to }) {
      if (message.type !== "push" || !to.startsWith("shard-")) return;
      if (message.parts) tally.relayed += 1;
      else tally.direct += 1;
      tally.parts += message.parts?.length ?? 0;
    },
  });
  expect(violations, `seed ${schedule.seed}: ${JSON.stringify(schedule)}`).toEqual([]);
  return tally;
}

describe("workers of one host", () => {
  it("send one sum where each would send its own, and the bits are those of one worker alone", async () => {
    const quiet: Schedule = {
      ...{ seed: 1, job: "plain", steps: 9, workers: 4, shards: 2, codec: true },
      ...{ hosts: 1, faults: [] },
    };
    const together = await run(quiet);
    const apart = await run({ ...quiet, hosts: undefined });
    expect(together.direct).toBe(0);
    expect(together.relayed).toBeLessThan(0.5 * apart.direct);
    expect(together.parts).toBeGreaterThanOrEqual(apart.direct);
  });

  it(
    "keep every invariant, and come to the bits of the undisturbed run, whatever befalls whom",
    { timeout: 600_000 },
    async () => {
      let relayed = 0;
      for (let seed = from; seed < from + seeds; seed++)
        relayed += (await run({ ...scheduleOf(seed), hosts: 1 + (seed % 2) })).relayed;
      expect(relayed).toBeGreaterThan(seeds);
    },
  );
});
