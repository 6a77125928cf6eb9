import type { Compute } from "@latentweave/model";
import { createLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import type { CheckpointSource } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { createCluster, randomRows } from "./cluster.ts";
import { createPlainCompute } from "./plain-compute.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";

const rows = randomRows(smallWidth, smallClasses);

/** What one task yields in some steps, whoever computes it: a gradient, or a loss, that is not finite. */
interface Poison {
  readonly task: string;
  readonly steps: readonly number[];
  readonly loss?: boolean;
}

function poisoned(poison: readonly Poison[]): Compute {
  const compute = createPlainCompute();
  return {
    ...compute,
    async run(batch) {
      const result = await compute.run(batch);
      const own = poison.find(({ task, steps }) => task === batch.task && steps.includes(batch.step));
      if (batch.program !== "gradient" || batch.slot !== 1 || !own) return result;
      return own.loss === true
        ? { ...result, metrics: result.metrics.map((value, at) => (at === 0 ? value : Number.NaN)) }
        : { ...result, gradients: result.gradients.map((one) => one.fill(Number.POSITIVE_INFINITY)) };
    },
  };
}

const spec = (change: Partial<RunSpec> & { readonly steps?: number } = {}): RunSpec =>
  smallSpec({ steps: 10, pauseNotFinite: { retryAfterSteps: 3 }, checkpointEverySteps: 1, ...change });

function start(
  of: RunSpec,
  poison: readonly Poison[],
  [workers, shards]: readonly [number, number] = [2, 2],
  resume?: CheckpointSource,
) {
  const computeOf = (): Compute => poisoned(poison);
  const cluster = createCluster({
    ...{ spec: of, shards, expectedWorkers: workers, rows, seed: workers * 7 + shards, computeOf },
    ...(resume && { resume }),
  });
  for (let index = 0; index < workers; index++) cluster.addWorker(`w${index}`);
  return cluster;
}

const first = [{ task: "first", steps: [3, 4, 5] }];

describe("a task whose numbers are not finite", () => {
  it("is paused and named, and tried again; the others go on, to the same bits on any cluster", async () => {
    const runs = [];
    for (const shape of [
      [1, 1],
      [2, 1],
      [2, 2],
      [3, 2],
    ] as const) {
      const cluster = start(spec(), first, shape);
      const outcome = await cluster.finish();
      expect(outcome.state).toBe("finished");
      const paused = cluster.store.commits.map((commit) => commit.paused ?? []);
      expect(paused.map((all) => all.map(({ task }) => task))).toEqual(
        cluster.store.commits.map(({ step }) => (step >= 3 && step < 6 ? ["first"] : [])),
      );
      expect(paused[4]).toEqual([
        { task: "first", since: 3, until: 6, why: "its gradient holds NaN or infinity" },
      ]);
      const said = cluster.coordinator.snapshot().events.map(({ text }) => text);
      expect(said).toContain(
        'task "first" is paused from step 3 on: its gradient holds NaN or infinity; the others go on, and it is tried again at step 6',
      );
      expect(said).toContain('task "first" takes part again from step 6 on');
      runs.push(outcome.hash);
    }
    expect(new Set(runs).size).toBe(1);
    expect(runs[0]).not.toBe((await start(spec(), []).finish()).hash);
  });

  it("changes nothing meanwhile, neither its own parameters nor what is shared", async () => {
    const without = spec({ combiner: { name: "sum", options: {} }, steps: 5 });
    const cluster = start(without, [{ task: "first", steps: [0] }]);
    await cluster.runUntil(() => cluster.store.hashes.has(2));
    const layout = createLayout(without.groups);
    const at = async (version: number): Promise<(readonly [string, string])[]> => {
      const source = await cluster.store.latestCheckpoint(version);
      return await Promise.all(
        layout.groups.map(async (group) => {
          const slice = { group: group.index, start: 0, numbers: group.numbers };
          const bytes = await source?.read("parameters", slice);
          return [group.name, Buffer.from(bytes ?? []).toString("hex")] as const;
        }),
      );
    };
    const [one, two] = [new Map(await at(1)), new Map(await at(2))];
    for (const { name, tasks } of layout.groups) {
      if (tasks.join() === "first") expect(two.get(name), name).toBe(one.get(name));
      else expect(two.get(name), name).not.toBe(one.get(name));
    }
  });

  it("is found by its loss as well, and its record has no such number", async () => {
    const cluster = start(spec({ combiner: { name: "gls", options: {} } }), [
      { task: "second", steps: [2, 3], loss: true },
    ]);
    expect((await cluster.finish()).state).toBe("finished");
    const { paused, tasks } = cluster.store.commits[2] ?? {};
    expect(paused).toEqual([{ task: "second", since: 2, until: 5, why: "its loss is NaN" }]);
    const record = tasks?.find(({ task }) => task === "second");
    expect(record?.metrics).toEqual({ samples: 18 });
    expect(cluster.coordinator.snapshot().events.map(({ text }) => text)).not.toContainEqual(
      expect.stringContaining("was taken in its place"),
    );
  });

  it.each([
    ["sum", null],
    ["pcgrad", 0.5],
    ["gls", null],
  ] as const)("comes to the same bits from a checkpoint in the middle, with %s", async (name, clipNorm) => {
    const job = spec({ combiner: { name, options: {} }, clipNorm });
    const reference = await start(job, first, [1, 1]).finish();
    const before = start(job, first, [2, 2]);
    await before.runUntil(() => before.coordinator.snapshot().step >= 5);
    before.coordinator.stop("interrupted by the test");
    const { version } = await before.finish();
    const resume = await before.store.latestCheckpoint();
    expect(version).toBeLessThan(6);
    const after = start(job, first, [3, 1], resume);
    expect(await after.finish()).toMatchObject({ state: "finished", hash: reference.hash });
    expect(after.store.commits.filter(({ paused }) => paused).map(({ step }) => step)).toEqual(
      [3, 4, 5].filter((step) => step >= version),
    );
  });

  it("is paused anew when it is tried again in vain, or to the end where it is never tried again", async () => {
    const always = [{ task: "first", steps: Array.from({ length: 10 }, (_, step) => step) }];
    const again = start(spec(), always);
    expect((await again.finish()).state).toBe("finished");
    expect(again.store.commits.map(({ paused }) => paused?.[0]?.since)).toEqual([
      ...[0, 0, 0, 3, 3, 3, 6, 6, 6, 9],
      undefined,
    ]);
    const never = start(spec({ pauseNotFinite: { retryAfterSteps: 0 } }), first);
    expect((await never.finish()).state).toBe("finished");
    expect(never.store.commits.map(({ paused }) => paused?.[0]?.until)).toEqual([
      ...[undefined, undefined, undefined],
      ...Array.from({ length: 7 }, () => null),
      undefined,
    ]);
  });

  it("ends the run where the job says so, or where no other task would be left", async () => {
    const { pauseNotFinite: _, ...rule } = spec();
    for (const [job, poison] of [
      [rule, first],
      [spec(), [...first, { task: "second", steps: [4] }]],
    ] as const) {
      const outcome = await start(job, poison).finish();
      expect(outcome.state).toBe("failed");
      expect(outcome.reason).toMatch(/step [34] cannot be committed: .* others? .*computed the same/);
    }
  });
});
