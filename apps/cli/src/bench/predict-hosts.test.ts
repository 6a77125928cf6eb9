import { predictStep, type StepCosts } from "@latentweave/telemetry";
import { describe, expect, it } from "vitest";
import { benchModel } from "./bench-job.ts";
import { exchangeNumbers, type MeasuredExchange } from "./measure-exchange.ts";
import { predictHosts } from "./predict-hosts.ts";

const costs: StepCosts = {
  ...{ fixedMs: 1, perWorkerMs: 0.5 },
  byNumbers: [{ numbers: 1e6, workerNs: 2, updateNs: 0, contributionNs: 1 }],
};
const cores = 2;
const shards = (): number => 1;
/** Exchanges as a machine with these costs would have them; moving costs nothing at the smallest size. */
const exchanges = (through: MeasuredExchange["through"]): MeasuredExchange[] =>
  exchangeNumbers.flatMap((numbers, index) =>
    [1, 2].map((workers) => {
      const shape = { numbers: index === 0 ? 1e-6 : numbers, workers, shards: 1, cores };
      return { numbers, workers, through, steps: 10, stepMs: predictStep(costs, shape, 0).totalMs };
    }),
  );
const compute = [
  { processes: 1, stepMs: 10, samplesPerSecond: 25_600, backend: "native", device: "cpu" },
  { processes: 2, stepMs: 12, samplesPerSecond: 21_333, backend: "native", device: "cpu" },
];
const expectedMs = (workers: number, computeMs: number): number =>
  predictStep(costs, { numbers: benchModel.parameters, workers, shards: 1, cores }, computeMs).totalMs;
const runs = [
  { workers: 1, stepMs: expectedMs(1, 10) },
  { workers: 2, stepMs: expectedMs(2, 12) },
];
const both = [...exchanges("shared memory"), ...exchanges("sockets")];

describe("what more hosts would do", () => {
  it("is off by nothing for runs that take as long as their parts", () => {
    const { errors } = predictHosts({ compute, exchanges: both, runs, cores, shards });
    for (const { error } of errors) expect(error).toBeCloseTo(0, 2);
  });

  it("is off by as much as a run took longer", () => {
    const [one] = predictHosts({
      ...{ compute, exchanges: both, cores, shards },
      runs: runs.map(({ workers, stepMs }) => ({ workers, stepMs: 2 * stepMs })),
    }).errors;
    expect(one?.error).toBeCloseTo(-0.5, 2);
  });

  it("is more with more hosts and with faster links, and never as much as hosts without a link", () => {
    const { hosts } = predictHosts({ compute, exchanges: both, runs, cores, shards });
    const rate = (count: number, gigabits: number): number =>
      hosts.find((one) => one.hosts === count && one.bitsPerSecond === gigabits * 1e9)?.samplesPerSecond ?? 0;
    expect(rate(4, 10)).toBeGreaterThan(rate(2, 10));
    expect(rate(4, 10)).toBeGreaterThan(rate(4, 1));
    expect(rate(4, 25)).toBeLessThan((4 * 2 * benchModel.batch * 1000) / 12);
  });

  it("comes from sockets alone where processes share no memory", () => {
    const { errors } = predictHosts({ compute, exchanges: exchanges("sockets"), runs, cores, shards });
    for (const { error } of errors) expect(error).toBeCloseTo(0, 2);
  });
});
