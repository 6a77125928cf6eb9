import { loadArithmetic } from "@latentweave/arithmetic";
import type { ResolvedJob } from "@latentweave/job";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginSampling, dealAnew, dealAt, mostShare, type SamplingState } from "./adaptive-sampling.ts";
import { planStep } from "./plan-step.ts";
import type { AdaptiveSpec, RunSpec, TaskSpec } from "./run-spec.ts";
import { adaptiveSpec, dealSampling } from "./sampling.ts";

type Sampled = RunSpec & { readonly sampling: AdaptiveSpec };

interface Shape {
  readonly tasks: readonly { readonly rows: number; readonly microBatch: number }[];
  readonly samples: number;
  readonly strength: number;
  readonly limit: number;
  readonly temperature: number | undefined;
}

/** As a job with these tasks would have it. */
function specOf(
  { tasks: given, samples, strength, limit, temperature }: Shape,
  hasBaselines = false,
): Sampled {
  const rows = Object.fromEntries(given.map((task, at) => [`t${at}`, task.rows]));
  const sampling = {
    ...{ strategy: "adaptive", samples, strength, limit },
    ...(temperature !== undefined && { temperature }),
  };
  const tasks = Object.fromEntries(
    given.map(({ microBatch }, at) => [`t${at}`, { microBatch, slots: 1, weight: 1 }]),
  );
  const job = { sampling, tasks } as unknown as ResolvedJob;
  const dealt: TaskSpec[] = Object.entries(dealSampling(job, rows).tasks).map(
    ([name, { slots, microBatch, weight }]) => ({
      ...{ name, slots, microBatch, weight },
      ...{ dataHash: "", trainShardRows: [rows[name] ?? 0], evaluationShardRows: [5] },
    }),
  );
  const baselines = dealt.map((task) => ({ ...task, name: `${task.name} alone`, baselineOf: task.name }));
  const all = hasBaselines ? [...dealt, ...baselines] : dealt;
  return {
    tasks: all,
    sampling: adaptiveSpec(job, rows),
    phases: [
      { name: "only", steps: 1_000, resetOptimiser: false, graphs: all.map(({ name }) => ({ task: name })) },
    ],
    evaluation: { everySteps: 7, split: "validation", microBatch: 3 },
    checkpointEverySteps: 0,
  } as unknown as Sampled;
}

const shapes = fc.record({
  tasks: fc.array(
    fc.record({ rows: fc.integer({ min: 50, max: 100_000 }), microBatch: fc.integer({ min: 1, max: 256 }) }),
    { minLength: 2, maxLength: 6 },
  ),
  samples: fc.integer({ min: 16, max: 2_000 }),
  strength: fc.double({ min: 0.1, max: 3, noNaN: true }),
  limit: fc.double({ min: 1.1, max: 10, noNaN: true }),
  temperature: fc.option(fc.double({ min: 1, max: 20, noNaN: true }), { nil: undefined }),
});
const odd = fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, 0, -1);
const losses = fc.oneof({ weight: 8, arbitrary: fc.double({ min: 1e-6, max: 1e6, noNaN: true }) }, odd);

/** After evaluations of these losses, at every seventh step. */
function after(spec: Sampled, evaluations: readonly (readonly (number | undefined)[])[]): SamplingState {
  return evaluations.reduce<SamplingState>(
    (state, each, at) => dealAnew(spec, state, { step: 7 * (at + 1), phase: 0, losses: each }),
    beginSampling(spec),
  );
}

const alike = specOf({
  tasks: [
    { rows: 1_000, microBatch: 64 },
    { rows: 1_000, microBatch: 64 },
  ],
  ...{ samples: 256, strength: 1, limit: 4, temperature: undefined },
});

describe("what tasks have of a step, where it follows losses", () => {
  it("is what the job begins with until there is something to compare with", () => {
    const [first] = beginSampling(alike).deals;
    expect(first).toEqual({ from: 0, shares: [0.5, 0.5], rows: [32, 32], read: [0, 0] });
    expect(after(alike, [[3, 0.2]]).deals[0]?.shares).toEqual([0.5, 0.5]);
  });

  it("goes by how far losses have fallen: to a half and not at all is 1 : 2", () => {
    const { deals } = after(alike, [
      [3, 0.2],
      [1.5, 0.2],
    ]);
    expect(deals[0]?.shares).toEqual([1 / 3, 2 / 3]);
    // Of 256 samples, in 4 slots and units of 4 rows.
    expect(deals[0]?.rows).toEqual([20, 44]);
  });

  it("goes by what a task alone has come to, where there are baselines", () => {
    const guarded = specOf(
      {
        tasks: [
          { rows: 1_000, microBatch: 64 },
          { rows: 1_000, microBatch: 64 },
        ],
        ...{ samples: 256, strength: 2, limit: 4, temperature: undefined },
      },
      true,
    );
    // The first is twice as bad as alone, the second as good: 2² : 1.
    expect(after(guarded, [[0.6, 0.2, 0.3, 0.2]]).deals[0]?.shares).toEqual([0.8, 0.2]);
  });

  it("goes by the losses of its own phase alone", () => {
    const state = after(alike, [
      [3, 0.2],
      [1, 0.2],
    ]);
    const next = dealAnew(alike, state, { step: 21, phase: 1, losses: [9, 0.2] });
    expect(next.deals[0]?.shares).toEqual([0.5, 0.5]);
    expect(next.first).toEqual({ phase: 1, losses: [9, 0.2] });
  });

  it("is left alone by losses of which there is no ratio", () => {
    for (const loss of [undefined, Number.NaN, Number.POSITIVE_INFINITY, 0, -2])
      expect(after(alike, [[3, 0.2], [loss, 0.2]]).deals[0]?.shares, String(loss)).toEqual([0.5, 0.5]); // prettier-ignore
    expect(after(alike, [[-1, 0.2], [3, 0.2]]).deals[0]?.shares).toEqual([0.5, 0.5]); // prettier-ignore
  });

  it("stays within what the limit allows, and within the micro-batches that the job allows", () => {
    const evaluations = fc.array(fc.array(losses, { minLength: 6, maxLength: 6 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(shapes, evaluations, (shape, all) => {
        const spec = specOf(shape);
        const { shares, most, samples } = spec.sampling;
        const arithmetic = loadArithmetic();
        const factor = arithmetic.pow(shape.limit, shape.strength);
        const [deal] = after(spec, all).deals;
        expect(deal?.shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
        for (const [at, share] of (deal?.shares ?? []).entries()) {
          const first = shares[at] as number;
          const largest = mostShare(first, shape.limit, shape.strength, arithmetic);
          expect(share).toBeLessThanOrEqual(largest * (1 + 1e-9));
          expect(share).toBeGreaterThanOrEqual(
            (first / factor / (first / factor + (1 - first) * factor)) * (1 - 1e-9),
          );
          const { slots } = spec.tasks[at] as TaskSpec;
          const rows = deal?.rows[at] as number;
          const unit = Math.ceil((most[at] as number) / 16);
          expect(rows).toBeGreaterThanOrEqual(unit);
          expect(rows).toBeLessThanOrEqual(most[at] as number);
          expect(rows % unit).toBe(0);
          // There are slots enough for what it can come to, unless the task has no rows for them.
          if (slots < (shape.tasks[at]?.rows ?? 0) && rows > unit)
            expect(Math.abs(rows - (samples * share) / slots)).toBeLessThanOrEqual(unit);
        }
      }),
    );
  });

  it("has every row of the order read once and none left out, however often it changes", () => {
    const evaluations = fc.array(fc.array(losses, { minLength: 6, maxLength: 6 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(shapes, fc.boolean(), evaluations, (shape, hasBaselines, all) => {
        const spec = specOf({ ...shape, tasks: shape.tasks.slice(0, 3) }, hasBaselines);
        let state = beginSampling(spec);
        const next = spec.tasks.map(() => 0);
        for (let step = 0; step <= 7 * all.length + 3; step++) {
          const round = planStep(spec, step, { deal: dealAt(state.deals, step) }).rounds.at(-1);
          for (const { taskIndex, read, rows, slots, samples } of round?.tasks ?? []) {
            expect(read).toBe(next[taskIndex]);
            expect(samples).toBe(rows * slots);
            next[taskIndex] = read + rows;
          }
          // A baseline has what its task has.
          const rows = round?.tasks.map((task) => task.rows) ?? [];
          if (hasBaselines) expect(rows.slice(rows.length / 2)).toEqual(rows.slice(0, rows.length / 2));
          const evaluated = step > 0 && step % 7 === 0 ? all[step / 7 - 1] : undefined;
          if (evaluated) state = dealAnew(spec, state, { step, phase: 0, losses: evaluated });
        }
      }),
    );
  });

  it("is made the same when it is made again, and survives being written as JSON", () => {
    const state = after(alike, [[3, 0.2]]);
    const evaluated = { step: 14, phase: 0, losses: [1, 0.3] };
    const once = dealAnew(alike, state, evaluated);
    expect(dealAnew(alike, once, evaluated)).toEqual(once);
    expect(dealAnew(alike, JSON.parse(JSON.stringify(state)) as SamplingState, evaluated)).toEqual(once);
    expect(() => dealAt(once.deals, 3)).toThrow(RangeError);
  });
});
