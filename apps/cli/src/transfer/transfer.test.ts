import { type JobInput, resolveJob } from "@latentweave/job";
import { describe, expect, it } from "vitest";
import type { TransferredRun } from "./run-transfer.ts";
import { planTransfer, type TransferOptions } from "./transfer-plan.ts";
import { transferRows, transferText } from "./transfer-report.ts";

const task = {
  data: { dataset: "mnist" },
  ...{ encoder: [], reconstruction: false, heads: { label: { kind: "classification" } } },
} satisfies JobInput["tasks"][string];

const job = (more: Partial<JobInput> = {}): ReturnType<typeof resolveJob> =>
  resolveJob({ tasks: { letters: task }, steps: 100, seed: 5, ...more });

const options = (more: Partial<TransferOptions> = {}): TransferOptions => ({
  from: {
    ...{ runId: "both", directory: "/runs/both" },
    job: resolveJob({
      tasks: { a: task, b: task },
      model: { kind: "shared", trunk: [{ kind: "dense", units: 8 }], latent: 4 },
      steps: 9,
    }),
  },
  task: job(),
  ...{ methods: ["scratch", "frozen", "fine-tuned", "adapters"], shots: [50, undefined], seeds: [5, 6] },
  ...{ trunkRate: 0.1, adapter: 3 },
  ...more,
});

describe("the plan of a transfer", () => {
  const planned = planTransfer(options());

  it("has a run for each number of rows, way and seed, and a name for each", () => {
    expect(planned).toHaveLength(16);
    expect(new Set(planned.map(({ runId }) => runId)).size).toBe(16);
    expect(planned[0]?.runId).toBe("both-to-letters-scratch-50-s5");
    expect(planned.at(-1)?.runId).toBe("both-to-letters-adapters-all-s6");
  });

  it("differs in what is begun with and what may change, and in nothing else", () => {
    const [scratch, frozen, tuned, adapters] = planned.filter(
      ({ seed, shots }) => seed === 5 && shots === 50,
    );
    const start = { from: "/runs/both", only: ["shared/*"], rename: {} };
    expect(scratch?.job).toMatchObject({ start: null, rates: {} });
    expect(frozen?.job).toMatchObject({ start, rates: { "shared/*": 0 } });
    expect(tuned?.job).toMatchObject({ start, rates: { "shared/*": 0.1 } });
    expect(adapters?.job).toMatchObject({ start, rates: { "shared/*": 0 }, model: { adapter: 3 } });
    for (const one of [frozen, tuned])
      expect({ ...one?.job, name: "", start: null, rates: {} }).toEqual({ ...scratch?.job, name: "" });
  });

  it("draws other rows with another seed, and as many for every way", () => {
    for (const { job: own, seed, shots } of planned)
      expect(own.tasks.letters?.data.split).toEqual({
        seed,
        ...(shots !== undefined && { trainRows: shots }),
      });
  });

  it.each<[string, Partial<TransferOptions>]>([
    ["the job has 2 tasks", { task: job({ tasks: { one: task, two: task } }) }],
    ["counts epochs", { task: resolveJob({ tasks: { letters: task }, epochs: 2 }) }],
    [
      'a model of the kind "private"',
      { from: { runId: "r", directory: "/r", job: resolveJob({ tasks: { a: task }, steps: 1 }) } },
    ],
    [
      "to which there are no adapters",
      {
        from: {
          ...{ runId: "r", directory: "/r" },
          job: resolveJob({ tasks: { a: task }, model: { kind: "mmoe", latent: 2 }, steps: 1 }),
        },
      },
    ],
  ])("is refused where %s", (what, more) => {
    expect(() => planTransfer(options(more))).toThrow(what);
  });
});

describe("the report of a transfer", () => {
  const runOf = (
    method: TransferredRun["method"],
    shots: number | undefined,
    seed: number,
    accuracy: number,
  ): TransferredRun => ({
    ...{ runId: "r", method, shots, seed, steps: 100, split: "test" },
    measured: { samples: 10, reconstructionError: 2 - accuracy, heads: { label: { accuracy } } },
  });
  const rows = transferRows([
    ...[runOf("scratch", 50, 1, 0.6), runOf("scratch", 50, 2, 0.8)],
    ...[runOf("frozen", 50, 1, 0.84), runOf("frozen", 50, 2, 0.84)],
    runOf("scratch", undefined, 1, 0.9),
  ]);

  it("has mean, deviation, gain beside scratch with as many rows, and the share of what all rows give", () => {
    const [scratch, frozen, full] = rows.filter(({ metric }) => metric === "label.accuracy");
    expect(scratch?.mean).toBeCloseTo(0.7, 12);
    expect(scratch?.standardDeviation).toBeCloseTo(Math.SQRT2 / 10, 12);
    expect(scratch?.gain).toBeNull();
    expect(frozen?.gain).toBeCloseTo(0.2, 12);
    expect(frozen?.ofFull).toBeCloseTo(0.84 / 0.9, 12);
    expect(full?.standardDeviation).toBeNull();
  });

  it("counts a smaller error as a gain", () => {
    const frozen = rows.find(
      ({ metric, method }) => metric === "reconstruction error" && method === "frozen",
    );
    expect(frozen?.gain).toBeCloseTo((1.3 - 1.16) / 1.3, 12);
    expect(frozen?.ofFull).toBeCloseTo(1.1 / 1.16, 12);
  });

  it("is a table for each metric", () => {
    expect(transferText(rows)).toContain("label.accuracy (more is better)");
    expect(transferText(rows)).toMatch(/frozen +50 +0\.8400 +0\.0000 +2 +\+20\.0 % +93\.3 %/);
  });
});
