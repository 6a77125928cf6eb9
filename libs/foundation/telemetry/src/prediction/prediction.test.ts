import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ExchangePoint, fitCosts } from "./fit-costs.ts";
import { type ClusterShape, predictStep, type StepCosts } from "./step-time.ts";

const costs: StepCosts = {
  fixedMs: 0.5,
  perWorkerMs: 0.25,
  byNumbers: [{ numbers: 1e6, workerNs: 2, updateNs: 1, contributionNs: 0.5 }],
};
const shape: ClusterShape = { numbers: 1e6, workers: 2, shards: 1, cores: 2 };

describe("a step predicted from its parts", () => {
  it("adds what everybody does at the same time once, and what one shard does for everybody as often", () => {
    // 0.5 + 2 workers at 0.25; 2 of a worker, 1 of the update, 2 contributions at 0.5; 10 of the computation.
    expect(predictStep(costs, shape, 10)).toEqual({
      ...{ computeMs: 10, exchangeMs: 5, linkMs: 0, totalMs: 15 },
    });
  });

  it("lets workers wait for each other where there are more of them than cores", () => {
    const { computeMs, exchangeMs } = predictStep(costs, { ...shape, workers: 4 }, 10);
    expect(computeMs).toBe(20);
    expect(exchangeMs).toBe(0.5 + 1 + 4 + 1 + 2);
  });

  it("divides a shard's work among shards, as far as there are cores", () => {
    const exchange = (shards: number): number => predictStep(costs, { ...shape, shards }, 0).exchangeMs;
    expect(exchange(2)).toBe(1 + 2 + 1);
    expect(exchange(4)).toBe(exchange(2));
  });

  it("waits for a link as long as processors do not", () => {
    const link = { bitsPerSecond: 1e8, latencyMs: 0, kind: { farWorkers: 1 } } as const;
    const apart: ClusterShape = { ...shape, hosts: 2, link };
    const { linkMs, exchangeMs } = predictStep(costs, apart, 10);
    const wireMs = (2 * 32e6 * 1514) / 1448 / 1e8 / 1e-3;
    expect(linkMs + exchangeMs).toBeCloseTo(wireMs + 1 + 1, 9);
    expect(predictStep(costs, { ...apart, link: { ...link, bitsPerSecond: 1e15 } }, 10).linkMs).toBe(0);
  });

  it("has less of a gradient cross a mesh's links than workers push, and none with one host", () => {
    const crossing = (hosts: number): number =>
      predictStep(
        costs,
        {
          ...{ numbers: 1e9, workers: hosts, shards: hosts, cores: 2, hosts },
          link: { bitsPerSecond: 1e6, latencyMs: 0, kind: "mesh" },
        },
        0,
      ).linkMs;
    expect(crossing(1)).toBe(0);
    expect(crossing(2)).toBeLessThan(crossing(8));
    expect(crossing(8)).toBeLessThan(2 * crossing(2));
  });

  it("takes costs between two measured sizes, and those of the nearest beyond them", () => {
    const two: StepCosts = {
      ...{ fixedMs: 0, perWorkerMs: 0 },
      byNumbers: [
        { numbers: 1e4, workerNs: 1, updateNs: 0, contributionNs: 0 },
        { numbers: 1e6, workerNs: 3, updateNs: 0, contributionNs: 0 },
      ],
    };
    const nsAt = (numbers: number): number =>
      (predictStep(two, { ...shape, numbers }, 0).totalMs / numbers) * 1e6;
    expect([1e3, 1e4, 1e5, 1e6, 1e8].map(nsAt)).toEqual(
      [1, 1, 2, 3, 3].map((ns) => expect.closeTo(ns, 9) as number),
    );
  });

  it("refuses counts that no cluster has, and costs that nobody measured", () => {
    expect(() => predictStep(costs, { ...shape, workers: 0 }, 1)).toThrow("workers must be above 0");
    expect(() => predictStep({ ...costs, byNumbers: [] }, shape, 1)).toThrow("no costs were measured");
  });
});

describe("costs fitted to exchanges", () => {
  const places = [
    { workers: 1, shards: 1, cores: 2 },
    { workers: 2, shards: 1, cores: 2 },
    { workers: 2, shards: 2, cores: 2 },
    { workers: 4, shards: 1, cores: 2 },
    { workers: 4, shards: 4, cores: 2 },
  ];
  const nanoseconds = fc.double({ min: 0.1, max: 10, noNaN: true });

  it("are those that the exchanges were made with", () => {
    const made = fc.record({
      fixed: nanoseconds,
      worker: nanoseconds,
      update: nanoseconds,
      each: nanoseconds,
    });
    fc.assert(
      fc.property(made, ({ fixed, worker, update, each }) => {
        const truth: StepCosts = {
          ...{ fixedMs: fixed, perWorkerMs: 0.1 },
          byNumbers: [{ numbers: 1e7, workerNs: worker, updateNs: update, contributionNs: each }],
        };
        const fixedOnly: StepCosts = { ...truth, byNumbers: [{ ...noCosts, numbers: 1 }] };
        const points = places.flatMap((place): ExchangePoint[] => [
          { ...place, numbers: 1, ms: predictStep(fixedOnly, { ...place, numbers: 1 }, 0).totalMs },
          { ...place, numbers: 1e7, ms: predictStep(truth, { ...place, numbers: 1e7 }, 0).totalMs },
        ]);
        const fitted = fitCosts(points);
        for (const point of points.filter(({ numbers }) => numbers > 1))
          expect(predictStep(fitted, point, 0).totalMs / point.ms).toBeCloseTo(1, 3);
        expect(fitted.byNumbers[0]?.workerNs).toBeCloseTo(worker, 1);
      }),
      { numRuns: 25 },
    );
  });

  it("are never negative, whatever was measured", () => {
    const ms = fc.double({ min: 0.01, max: 1000, noNaN: true });
    fc.assert(
      fc.property(fc.array(ms, { minLength: 10, maxLength: 10 }), (times) => {
        const points = times.map((each, at): ExchangePoint => ({
          ...(places[at % places.length] as (typeof places)[number]),
          ...{ numbers: at < places.length ? 1000 : 1e7, ms: each },
        }));
        const { fixedMs, perWorkerMs, byNumbers } = fitCosts(points);
        const [{ workerNs, updateNs, contributionNs } = noCosts] = byNumbers;
        for (const cost of [fixedMs, perWorkerMs, workerNs, updateNs, contributionNs])
          expect(cost).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 25 },
    );
  });

  it("need two sizes", () => {
    expect(() => fitCosts([{ ...places[0], numbers: 5, ms: 1 } as ExchangePoint])).toThrow("two sizes");
  });
});

const noCosts = { workerNs: 0, updateNs: 0, contributionNs: 0 };
