import type { ResolvedJob, ResolvedSampling } from "@latentweave/job";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dealSampling, sampleShares } from "./sampling.ts";

/** Nothing else of a job is read. */
function job(sampling: ResolvedSampling | undefined, microBatches: readonly number[]): ResolvedJob {
  const tasks = microBatches.map((microBatch, at) => [`t${at}`, { microBatch, slots: 4, weight: 1 + at }]);
  return {
    tasks: Object.fromEntries(tasks) as object,
    ...(sampling && { sampling }),
  } as unknown as ResolvedJob;
}

const rowsOf = (rows: readonly number[]): Record<string, number> =>
  Object.fromEntries(rows.map((count, at) => [`t${at}`, count]));

const samplings: fc.Arbitrary<ResolvedSampling> = fc.oneof(
  fc.record({
    strategy: fc.constantFrom("proportional", "uniform"),
    samples: fc.integer({ min: 8, max: 2_000 }),
  }),
  fc.record({
    strategy: fc.constant("temperature" as const),
    samples: fc.integer({ min: 8, max: 2_000 }),
    temperature: fc.double({ min: 1, max: 100, noNaN: true }),
  }),
);
const sizes = fc.array(fc.tuple(fc.integer({ min: 2, max: 1e6 }), fc.integer({ min: 1, max: 256 })), {
  minLength: 2,
  maxLength: 8,
});

describe("the samples of a step", () => {
  it("of data sizes 100:1 are dealt by rows, alike, or between the two", () => {
    const dealt = (sampling: ResolvedSampling): number[] =>
      Object.values(dealSampling(job(sampling, [64, 64]), rowsOf([60_000, 600])).tasks).map(
        ({ slots, microBatch }) => slots * microBatch,
      );
    expect(dealt({ strategy: "proportional", samples: 512 })).toEqual([504, 5]);
    expect(dealt({ strategy: "uniform", samples: 512 })).toEqual([256, 256]);
    // 10:1.
    expect(dealt({ strategy: "temperature", samples: 512, temperature: 2 })).toEqual([464, 47]);
  });

  it("are the tasks' own where nothing is said", () => {
    const own = job(undefined, [8, 16]);
    expect(dealSampling(own, rowsOf([10, 20]))).toBe(own);
  });

  it("are one at least of each task, no more in a micro-batch than it may have, and a row for every slot", () => {
    fc.assert(
      fc.property(samplings, sizes, (sampling, given) => {
        const rows = given.map(([count]) => count);
        const from = job(sampling, given.map(([, microBatch]) => microBatch)); // prettier-ignore
        const { tasks } = dealSampling(from, rowsOf(rows));
        const shares = sampleShares(sampling, rows);
        for (const [at, { slots, microBatch }] of Object.values(tasks).entries()) {
          const [count, most] = given[at] as [number, number];
          expect(slots).toBeGreaterThanOrEqual(1);
          expect(slots).toBeLessThanOrEqual(count);
          expect(microBatch).toBeGreaterThanOrEqual(1);
          const wanted = Math.max(1, sampling.samples * (shares[at] ?? NaN));
          if (Math.ceil(wanted) <= count * most) expect(microBatch).toBeLessThanOrEqual(most);
          expect(Math.abs(slots * microBatch - wanted)).toBeLessThanOrEqual(slots / 2 + 0.5);
        }
      }),
    );
  });

  it("weigh tasks so that the objective is T times the mean over samples with those shares", () => {
    fc.assert(
      fc.property(samplings, sizes, (sampling, given) => {
        const rows = given.map(([count]) => count);
        const shares = sampleShares(sampling, rows);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
        const from = job(sampling, given.map(([, microBatch]) => microBatch)); // prettier-ignore
        for (const [at, { weight }] of Object.values(dealSampling(from, rowsOf(rows)).tasks).entries())
          expect(weight / (1 + at)).toBeCloseTo(given.length * (shares[at] ?? NaN), 10);
      }),
    );
  });

  it("near the uniform ones as the temperature rises, and are the proportional ones at 1", () => {
    const rows = [90_000, 900, 9];
    const at = (temperature: number): readonly number[] =>
      sampleShares({ strategy: "temperature", samples: 1, temperature }, rows);
    const proportional = sampleShares({ strategy: "proportional", samples: 1 }, rows);
    for (const [i, share] of proportional.entries()) expect(at(1)[i]).toBeCloseTo(share, 12);
    for (const share of at(1e6)) expect(share).toBeCloseTo(1 / 3, 4);
    const ratio = (shares: readonly number[]): number => (shares[0] ?? NaN) / (shares[2] ?? NaN);
    expect(ratio(at(2))).toBeCloseTo(100, 9);
  });
});
