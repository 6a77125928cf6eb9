import type { Compute } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import type { OrderTally } from "./checks/order-check.ts";
import { createCluster, randomRows } from "./cluster.ts";
import { createPlainCompute } from "./plain-compute.ts";
import { formerScheduleOf } from "./schedule/generate.ts";
import type { Schedule } from "./schedule/schedule.ts";
import { simulate } from "./simulate.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";

const seeds = 24;
/** Each of these broke an invariant once, in one of the modes or both. */
const formerFailures = [66, 71, 93, 95, 113, 123, 140, 167, 233, 239, 256, 347];

/** Runs schedules with every job of a mode with an order. @returns what came up */
async function runAll(schedules: readonly Omit<Schedule, "job">[], job: "stale" | "async"): Promise<Tally> {
  const tally: Tally = { staleness: [], givenUp: { stale: 0, lost: 0, unfit: 0 }, faults: 0, commits: 0 };
  for (const schedule of schedules) {
    const result = await simulate({ ...schedule, job });
    expect(result.violations, `${job}, seed ${schedule.seed}`).toEqual([]);
    tally.faults += result.faults;
    tally.commits += result.commits;
    for (const [at, count = 0] of result.order.staleness.entries())
      tally.staleness[at] = (tally.staleness[at] ?? 0) + count;
    for (const why of ["stale", "lost"] as const) tally.givenUp[why] += result.order.givenUp[why];
  }
  return tally;
}

interface Tally extends OrderTally {
  faults: number;
  commits: number;
}

describe.each(["stale", "async"] as const)("a job of the mode %s, whatever happens to its cluster", (job) => {
  it(
    "applies every planned step once, within the bound, and its record comes to the same bits again",
    { timeout: 600_000 },
    async () => {
      const drawn = Array.from({ length: seeds }, (_, seed) => formerScheduleOf(seed + 1));
      const { faults, commits, staleness, givenUp } = await runAll(drawn, job);
      expect(faults).toBeGreaterThan(seeds);
      expect(commits).toBeGreaterThan(10 * seeds);
      // It is put to the test: steps are stale, and some are given up and computed again.
      expect(staleness.slice(1).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(seeds);
      expect(givenUp.lost).toBeGreaterThan(0);
      if (job === "stale") expect(staleness.length).toBeLessThanOrEqual(3);
      else expect(givenUp.stale).toBe(0);
    },
  );

  it("does so where it once did not", { timeout: 600_000 }, async () => {
    await runAll(formerFailures.map(formerScheduleOf), job);
  });

  it("goes back when a shard and the workers whose gradients it lacks are lost at once", async () => {
    const when = { atStep: 6, by: "shard-0", moment: "after-commit" } as const;
    const lost = ["shard-1", "worker-0", "worker-1", "worker-2"];
    const faults = lost.map((who) => ({ what: "kill", when, who, downMs: 50 }) as const);
    let wentBack = 0;
    for (let seed = 1; seed <= 5; seed += 1) {
      const schedule = { seed, job, steps: 14, workers: 3, shards: 2, codec: false, faults };
      const result = await simulate(schedule, { keepLog: true });
      expect(result.violations, `seed ${seed}`).toEqual([]);
      if (result.log.some((line) => line.includes("shard-1 > coordinator orphaned"))) wentBack += 1;
    }
    expect(wentBack).toBeGreaterThan(0);
  });
});

describe("a sum that is not finite", () => {
  const rows = randomRows(smallWidth, smallClasses);
  /** Gradients of planned step 5 are NaN so many times. */
  const start = (times: number) => {
    let left = times;
    const computeOf = (): Compute => {
      const compute = createPlainCompute();
      return {
        ...compute,
        async run(batch) {
          const result = await compute.run(batch);
          if (batch.program !== "gradient" || batch.step !== 5 || batch.task !== "first" || batch.slot !== 0)
            return result;
          left -= 1;
          return left < 0
            ? result
            : { ...result, gradients: result.gradients.map((one) => one.fill(Number.NaN)) };
        },
      };
    };
    const spec = smallSpec({ steps: 9, mode: { kind: "async" } });
    const cluster = createCluster({ spec, shards: 2, expectedWorkers: 2, rows, seed: 3, computeOf });
    for (const worker of ["a", "b"]) cluster.addWorker(worker);
    const said = (): string =>
      cluster.coordinator
        .snapshot()
        .events.map(({ text }) => text)
        .join("\n");
    return { cluster, said };
  };

  it("is computed once more by somebody else", async () => {
    const { cluster, said } = start(1);
    expect((await cluster.finish()).state).toBe("finished");
    expect(said()).toMatch(/planned step 5, .* a number was not finite/);
  });

  it("makes the leading shard give up when it is not finite again, before it reaches a weight", async () => {
    const { cluster, said } = start(2);
    // Nobody starts another shard here, so the run waits for one.
    await expect(cluster.finish()).rejects.toThrow("did not end");
    expect(said()).toContain(
      "parameter-server shard 0 gave up: planned step 5 cannot be applied: a gradient holds NaN or infinity",
    );
    expect(cluster.coordinator.snapshot().state).toBe("running");
  });
});

describe("a job of the mode stale", () => {
  const rows = randomRows(smallWidth, smallClasses);
  const finish = async (spec: ReturnType<typeof smallSpec>, workers: number, shards: number) => {
    const cluster = createCluster({ spec, shards, expectedWorkers: workers, rows, seed: workers });
    for (let worker = 0; worker < workers; worker += 1)
      cluster.addWorker(`w${worker}`, worker === workers - 1 ? 30 : 1);
    return { outcome: await cluster.finish(), snapshot: cluster.coordinator.snapshot() };
  };

  it("with bound 0 comes to the bits of sync, on any number of workers and shards", async () => {
    const { outcome: sync } = await finish(smallSpec({ steps: 9 }), 1, 1);
    for (const [workers, shards] of [
      [1, 1],
      [2, 1],
      [3, 2],
    ] as const) {
      const spec = smallSpec({ steps: 9, mode: { kind: "stale", bound: 0 } });
      const { outcome } = await finish(spec, workers, shards);
      expect(outcome).toMatchObject({ state: "finished", hash: sync.hash });
    }
  });

  it("shows how stale its steps are, and what it computed again because of a slow worker", async () => {
    const spec = smallSpec({ steps: 40, mode: { kind: "stale", bound: 2 } });
    const { outcome, snapshot } = await finish(spec, 3, 2);
    expect(outcome.state).toBe("finished");
    expect(snapshot.staleness?.max).toBe(2);
    expect(snapshot.staleness?.mean).toBeGreaterThan(0);
    expect(snapshot.staleness?.givenUp).toBeGreaterThan(0);
    expect(snapshot.events.map(({ text }) => text).join("\n")).toMatch(
      /planned step \d+, on version \d+, is computed again: it would have come too late/,
    );
  });
});
