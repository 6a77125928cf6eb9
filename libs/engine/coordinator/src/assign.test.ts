import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Assignee, assignLeases, rebalance, stepCost } from "./assign.ts";

const tasks = fc
  .array(fc.record({ slots: fc.integer({ min: 1, max: 40 }), microBatch: fc.integer({ min: 1, max: 64 }) }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((all) => ({ tasks: all.map((task, index) => ({ ...task, name: `t${index}` })) as never }));
type Spec = Parameters<typeof assignLeases>[0];
const workers = fc
  .array(fc.double({ min: 0.2, max: 5, noNaN: true }), { minLength: 1, maxLength: 12 })
  .map((speeds) => speeds.map((speed, index): Assignee => ({ workerId: `w${index}`, speed })));

type Leases = ReturnType<typeof assignLeases>;

function covered(spec: Spec, leases: Leases): string[] {
  return [...leases.values()]
    .flat()
    .flatMap(({ task, start, end }) =>
      Array.from({ length: end - start }, (_, place) => `${task}:${start + place}`),
    );
}

const everySlot = (spec: Spec): string[] =>
  spec.tasks.flatMap((task) => Array.from({ length: task.slots }, (_, slot) => `${task.name}:${slot}`));

describe("leases", () => {
  it("cover every slot of every task exactly once, for any workers at any speeds", () => {
    fc.assert(
      fc.property(tasks, workers, (spec, all) => {
        const leases = assignLeases(spec, all);
        expect(covered(spec, leases).toSorted()).toEqual(everySlot(spec).toSorted());
        for (const own of leases.values())
          expect(new Set(own.map(({ task }) => task)).size, "one range per task").toBe(own.length);
      }),
    );
  });

  it("move only for a step that is predicted to be at least a fifth shorter, and then cover every slot once too", () => {
    fc.assert(
      fc.property(
        tasks,
        workers,
        fc.array(fc.double({ min: 0.2, max: 5, noNaN: true }), { minLength: 12, maxLength: 12 }),
        (spec, all, speeds) => {
          const current = assignLeases(spec, all);
          const measured = all.map(({ workerId }, index) => ({ workerId, speed: speeds[index] ?? 1 }));
          const better = rebalance(spec, measured, current);
          if (!better) return;
          expect(covered(spec, better).toSorted()).toEqual(everySlot(spec).toSorted());
          expect(stepCost(spec, measured, better)).toBeLessThan(0.8 * stepCost(spec, measured, current));
        },
      ),
    );
  });

  it("leave a worker ten times slower one slot of 48, wherever it stands in the order", () => {
    const spec = { tasks: [{ name: "t", slots: 48, microBatch: 4 }] } as unknown as Spec;
    for (let slow = 0; slow < 4; slow++) {
      const all = [0, 1, 2, 3].map((index) => ({ workerId: `w${index}`, speed: index === slow ? 1 : 10 }));
      const leases = assignLeases(spec, all);
      const sizes = all.map(({ workerId }) =>
        (leases.get(workerId) ?? []).reduce((sum, { start, end }) => sum + end - start, 0),
      );
      expect(sizes[slow], `worker ${slow} of ${sizes.join()}`).toBe(1);
      expect(Math.max(...sizes), `worker ${slow} of ${sizes.join()}`).toBe(16);
    }
  });

  it("follow measured speeds: a worker three times as fast gets three quarters", () => {
    const spec = { tasks: [{ name: "t", slots: 8, microBatch: 4 }] } as unknown as Spec;
    const [slow, fast] = [
      { workerId: "slow", speed: 1 },
      { workerId: "fast", speed: 3 },
    ];
    const equal = assignLeases(spec, [slow, { ...fast, speed: 1 }]);
    expect(rebalance(spec, [slow, fast], equal)).toEqual(
      new Map([
        ["slow", [{ task: "t", start: 0, end: 2 }]],
        ["fast", [{ task: "t", start: 2, end: 8 }]],
      ]),
    );
  });

  it("stay where they are while the speeds stay", () => {
    fc.assert(
      fc.property(tasks, workers, (spec, all) => {
        expect(rebalance(spec, all, assignLeases(spec, all))).toBeUndefined();
      }),
    );
  });
});
