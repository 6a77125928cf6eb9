import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leasedSlots, slotSamples } from "./leases.ts";
import { lastStep, nextCheckpoint, planStep, samplesBefore, totalSteps } from "./plan-step.ts";
import type { RunSpec } from "./run-spec.ts";

interface Shape {
  readonly tasks: readonly { slots: number; microBatch: number; evaluationRows: readonly number[] }[];
  /** Per phase: its steps, and which tasks (by bits) it trains. */
  readonly phases: readonly { steps: number; trains: number }[];
  readonly evaluation: { everySteps: number; microBatch: number } | null;
  readonly checkpointEverySteps: number;
  /** 0: `sync`. */
  readonly innerSteps: number;
}

/** The plan reads nothing of a run but these fields. */
function specOf({ tasks, phases, evaluation, checkpointEverySteps, innerSteps }: Shape): RunSpec {
  return {
    tasks: tasks.map(({ slots, microBatch, evaluationRows }, index) => ({
      name: `t${index}`,
      slots,
      microBatch,
      evaluationShardRows: evaluationRows,
    })),
    phases: phases.map(({ steps, trains }, index) => ({
      name: `p${index}`,
      steps,
      resetOptimiser: false,
      graphs: tasks.flatMap((_, task) => ((trains >> task) & 1 ? [{ task: `t${task}` }] : [])),
    })),
    evaluation: evaluation && { ...evaluation, split: "test" },
    checkpointEverySteps,
    ...(innerSteps > 0 && { mode: { kind: "diloco", innerSteps, outer: { learningRate: 1, momentum: 0 } } }),
  } as unknown as RunSpec;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  tasks: fc.array(
    fc.record({
      slots: fc.integer({ min: 1, max: 20 }),
      microBatch: fc.integer({ min: 1, max: 16 }),
      evaluationRows: fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  phases: fc.array(
    fc.record({ steps: fc.integer({ min: 1, max: 9 }), trains: fc.integer({ min: 0, max: 15 }) }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
  evaluation: fc.option(
    fc.record({ everySteps: fc.integer({ min: 1, max: 6 }), microBatch: fc.integer({ min: 1, max: 30 }) }),
  ),
  checkpointEverySteps: fc.integer({ min: 0, max: 5 }),
  innerSteps: fc.integer({ min: 0, max: 4 }),
});

const everyPlan = (spec: RunSpec) =>
  Array.from({ length: lastStep(spec) + 1 }, (_, step) => planStep(spec, step));

describe("the plan of a run", () => {
  it("counts, up to any version, the samples that its gradient rounds have", () => {
    fc.assert(
      fc.property(shapes, fc.nat(40), (shape, version) => {
        const spec = specOf(shape);
        const counted = new Map(spec.tasks.map(({ name }) => [name, 0]));
        for (let step = 0; step < Math.min(version, totalSteps(spec)); step++)
          for (const { tasks } of planStep(spec, step).rounds.filter(({ program }) => program === "gradient"))
            for (const { task, samples } of tasks) counted.set(task, (counted.get(task) ?? 0) + samples);
        const samples = samplesBefore(spec, version);
        for (const [task, expected] of counted) expect(samples.get(task) ?? 0).toBe(expected);
      }),
    );
  });

  it("updates in each of its steps once, in the last round, and evaluates once more after them", () => {
    fc.assert(
      fc.property(shapes.map(specOf), (spec) => {
        const plans = everyPlan(spec);
        const total = totalSteps(spec);
        expect(plans.length).toBe(spec.evaluation ? total + 1 : total);
        for (const [step, plan] of plans.entries()) {
          expect(plan.step).toBe(step);
          expect(plan.rounds.map(({ index }) => index)).toEqual(plan.rounds.map((_, place) => place));
          const updating = plan.rounds.filter(({ update }) => update);
          expect(updating.length).toBe(step < total ? 1 : 0);
          if (updating[0]) expect(plan.rounds.at(-1)).toBe(updating[0]);
          expect(plan.last).toBe(step === plans.length - 1);
        }
      }),
    );
  });

  it("evaluates before the updates of every n-th step but the first", () => {
    fc.assert(
      fc.property(shapes.map(specOf), (spec) => {
        for (const { step, rounds } of everyPlan(spec)) {
          const due =
            spec.evaluation !== null &&
            step > 0 &&
            (step === totalSteps(spec) || step % spec.evaluation.everySteps === 0);
          expect(rounds[0]?.program === "evaluate", `step ${step}`).toBe(due);
        }
      }),
    );
  });

  it("walks through the phases in order, and trains the tasks of the phase", () => {
    fc.assert(
      fc.property(shapes.map(specOf), (spec) => {
        const expected = spec.phases.flatMap(({ steps }, phase) =>
          Array.from({ length: steps }, (_, phaseStep) => [phase, phaseStep]),
        );
        expect(
          everyPlan(spec)
            .slice(0, totalSteps(spec))
            .map(({ phase, phaseStep }) => [phase, phaseStep]),
        ).toEqual(expected);
        for (const { step, phase } of everyPlan(spec).slice(0, totalSteps(spec))) {
          const gradient = planStep(spec, step).rounds.at(-1);
          const graphs = (spec.phases[phase]?.graphs ?? []).map(({ task }) => task);
          expect(gradient?.tasks.map(({ task }) => task)).toEqual(graphs);
        }
      }),
    );
  });

  it("checkpoints the last version, each version that the job names, and never the closing evaluation", () => {
    fc.assert(
      fc.property(shapes.map(specOf), (spec) => {
        const total = totalSteps(spec);
        const every = spec.checkpointEverySteps;
        const versions = everyPlan(spec).flatMap(({ step, checkpoint }) => (checkpoint ? [step + 1] : []));
        const expected = Array.from({ length: total }, (_, step) => step + 1).filter(
          (version) => version === total || (every > 0 && version % every === 0),
        );
        expect(versions).toEqual(expected);
        const found: number[] = [];
        for (let next = nextCheckpoint(spec, 0); next !== undefined; next = nextCheckpoint(spec, next))
          found.push(next);
        expect(found).toEqual(expected);
      }),
    );
  });

  it("checkpoints each version that is evaluated, where the best one is kept, and says which is next", () => {
    fc.assert(
      fc.property(shapes.map(specOf), fc.nat(30), (given, version) => {
        const spec = { ...given, keepBest: true as const };
        const versions = everyPlan(spec).flatMap(({ step, checkpoint }) => (checkpoint ? [step + 1] : []));
        expect(nextCheckpoint(spec, version)).toBe(versions.find((one) => one > version));
      }),
    );
  });

  it("has no step before the first and none after the last", () => {
    const spec = specOf({ tasks: [{ slots: 1, microBatch: 1, evaluationRows: [] }], phases: [{ steps: 2, trains: 1 }], evaluation: null, checkpointEverySteps: 0, innerSteps: 0 }); // prettier-ignore
    for (const step of [-1, 2, 0.5, Number.NaN]) expect(() => planStep(spec, step)).toThrow(RangeError);
  });
});

describe("the slots of a round", () => {
  it("hold every evaluation row once, in micro-batches of which only the last is short", () => {
    fc.assert(
      fc.property(shapes.map(specOf), (spec) => {
        for (const round of everyPlan(spec).flatMap(({ rounds }) => rounds)) {
          for (const task of round.tasks) {
            const sizes = Array.from({ length: task.slots }, (_, slot) =>
              slotSamples(spec, round, task, slot),
            );
            expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(task.samples);
            expect(Math.min(...sizes)).toBeGreaterThan(0);
            expect(new Set(sizes.slice(0, -1)).size).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it("are leased exactly once, in training and in evaluation, wherever the training slots are cut", () => {
    fc.assert(
      fc.property(shapes.map(specOf), fc.array(fc.nat(20), { maxLength: 6 }), (spec, somewhere) => {
        for (const round of everyPlan(spec).flatMap(({ rounds }) => rounds)) {
          for (const task of round.tasks) {
            const trainingSlots = spec.tasks[task.taskIndex]?.slots ?? 0;
            const cuts = [0, ...somewhere.filter((cut) => cut < trainingSlots), trainingSlots].toSorted(
              (a, b) => a - b,
            );
            const slots = cuts.slice(1).flatMap((end, place) => {
              const range = leasedSlots(spec, round, task, { task: task.task, start: cuts[place] ?? 0, end });
              return Array.from({ length: range.end - range.start }, (_, offset) => range.start + offset);
            });
            expect(slots).toEqual(Array.from({ length: task.slots }, (_, slot) => slot));
          }
        }
      }),
    );
  });
});
