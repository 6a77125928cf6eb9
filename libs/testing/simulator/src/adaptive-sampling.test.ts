import { samplesBefore, type RunSpec } from "@latentweave/plan";
import type { CheckpointSource, CommitRecord, Deal } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { formerScheduleOf } from "./schedule/generate.ts";
import { simulate } from "./simulate.ts";
import { checkpointAt, smallCluster } from "./small-cluster.ts";
import { smallSpec } from "./small-job.ts";

const seeds = 24;

describe("a job whose tasks have other rows after every evaluation, whatever happens to its cluster", () => {
  it(
    "keeps every invariant, and comes to the bits of its undisturbed run",
    { timeout: 600_000 },
    async () => {
      const tally = { faults: 0, commits: 0 };
      for (let seed = 1; seed <= seeds; seed += 1) {
        const result = await simulate({ ...formerScheduleOf(seed), job: "adaptive" });
        expect(result.violations, `seed ${seed}`).toEqual([]);
        tally.faults += result.faults;
        tally.commits += result.commits;
      }
      expect(tally.faults).toBeGreaterThan(seeds);
      expect(tally.commits).toBeGreaterThan(10 * seeds);
    },
  );

  it("does change them", async () => {
    const { log } = await simulate({ ...formerScheduleOf(2), job: "adaptive" }, { keepLog: true });
    const dealt = log.flatMap((line) => / committed .*"rows":(\[[\d,]+\])/.exec(line)?.[1] ?? []);
    expect(new Set(dealt).size).toBeGreaterThan(2);
  });
});

function specOf(change: Partial<RunSpec> = {}): RunSpec {
  return smallSpec({
    ...{ steps: 9, evaluation: { everySteps: 2, split: "validation", microBatch: 8 } },
    sampling: { samples: 38, shares: [0.5, 0.5], most: [32, 32], strength: 20, limit: 3 },
    optimiser: { kind: "adam", learningRate: 0.2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    ...change,
  });
}

interface Run {
  readonly hash: string | null;
  readonly deals: readonly { readonly step: number; readonly deal: Deal }[];
  readonly samples: readonly (readonly number[])[];
}

async function run(spec: RunSpec, workers: number, shards: number, resume?: CheckpointSource): Promise<Run> {
  const made = smallCluster(spec, workers, shards, resume && { resume });
  const { state, hash } = await made.finish();
  expect(state).toBe("finished");
  const { commits } = made.store;
  return {
    hash,
    deals: commits.flatMap(({ step, deal }) => (deal ? [{ step, deal }] : [])),
    samples: commits.flatMap((commit) => (commit.version > commit.step ? [trained(commit)] : [])),
  };
}

function trained({ tasks }: CommitRecord): number[] {
  const round = Math.max(...tasks.map((task) => task.round));
  return tasks.filter((task) => task.round === round).map(({ samples }) => samples);
}

describe.each<[string, Partial<RunSpec>]>([
  ["alone", {}],
  ["beside a combiner that goes by losses", { combiner: { name: "famo", options: {} } }],
  ["beside a combiner that goes by gradients", { combiner: { name: "nash-mtl", options: {} } }],
  [
    "beside a guard, against baselines",
    { guard: { action: "branch", tolerance: 10, patience: 2, fromStep: 0, teaches: true } },
  ],
])("sampling that follows losses, %s", (_, change) => {
  it("deals the same on every cluster, and from a checkpoint in the middle of what was dealt", async () => {
    const spec = specOf(change);
    const reference = await run(spec, 1, 1);
    expect(reference.deals.map(({ step }) => step)).toEqual([2, 4, 6, 8]);
    expect(new Set(reference.samples.map(String)).size, "rows do change").toBeGreaterThan(1);
    expect(await run(spec, 2, 2), "2 workers, 2 shards").toEqual(reference);
    expect(await run(spec, 3, 4), "3 workers, 4 shards").toEqual(reference);

    const resume = await checkpointAt(smallCluster(spec, 2, 2), 5);
    const after = await run(spec, 1, 4, resume);
    expect(after.hash, `from version ${resume.version}`).toBe(reference.hash);
    expect(after.deals).toEqual(reference.deals.filter(({ step }) => step >= resume.version));
  });
});

describe("what tasks have", () => {
  it("is recorded with the step that follows, counted as such, and told", async () => {
    const made = smallCluster(specOf(), 2, 2);
    await made.finish();
    const { commits } = made.store;
    const rows = [4, 6];
    for (const commit of commits) {
      if (commit.version > commit.step)
        expect(trained(commit), `step ${commit.step}`).toEqual([5 * (rows[0] ?? 0), 3 * (rows[1] ?? 0)]);
      if (commit.deal) rows.splice(0, 2, ...commit.deal.rows);
    }
    const counted = samplesBefore(specOf(), 9, { deal: commits.findLast(({ deal }) => deal)?.deal });
    const sums = [0, 1].map((task) =>
      commits.reduce((sum, commit) => sum + (trainedOf(commit)[task] ?? 0), 0),
    );
    expect([...counted.values()]).toEqual(sums);
    expect(made.store.events.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^samples from step 3 on: first \d+ \(\d+ %\), second \d+ \(\d+ %\)$/),
    );
  });
});

function trainedOf(commit: CommitRecord): number[] {
  return commit.version > commit.step ? trained(commit) : [];
}
