import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Lease } from "@latentweave/protocol";
import { type Assignee, assignLeases } from "./assign.ts";
import { keepLeases } from "./keep-leases.ts";

type Spec = Parameters<typeof keepLeases>[0];

const specs = fc
  .array(
    fc.record({ slots: fc.integer({ min: 1, max: 200 }), microBatch: fc.integer({ min: 1, max: 64 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((all): Spec => ({
    tasks: all.map((task, index) => ({ ...task, name: `t${index}` })) as unknown as Spec["tasks"],
  }));
const speed = fc.double({ min: 0.2, max: 5, noNaN: true });
const fleet = fc.array(speed, { minLength: 24, maxLength: 80 });
/** Who goes, by place; and how fast those are who come. */
const change = fc.record({
  gone: fc.array(fc.nat(), { maxLength: 3 }),
  come: fc.array(speed, { maxLength: 3 }),
});

const named = (speeds: readonly number[], prefix: string): Assignee[] =>
  speeds.map((each, index) => ({ workerId: `${prefix}${index}`, speed: each }));

function after(before: readonly Assignee[], { gone, come }: { gone: number[]; come: number[] }): Assignee[] {
  const places = new Set(gone.map((place) => place % before.length));
  return [...before.filter((_, place) => !places.has(place)), ...named(come, "new")];
}

const slotsOf = (leases: readonly Lease[]): string[] =>
  leases.flatMap(({ task, start, end }) =>
    Array.from({ length: end - start }, (_, place) => `${task}:${start + place}`),
  );

describe("leases of a large fleet in which a few come or go", () => {
  it("cover every slot exactly once, and nobody who stays loses one", () => {
    fc.assert(
      fc.property(specs, fleet, change, (spec, speeds, what) => {
        const before = named(speeds, "w");
        const current = assignLeases(spec, before);
        const now = after(before, what);
        const kept = keepLeases(spec, now, current);
        if (!kept) throw new Error("so few changes should not move everybody");
        expect([...kept.keys()]).toEqual(now.map(({ workerId }) => workerId));
        const every = spec.tasks.flatMap(({ name, slots }) =>
          slotsOf([{ task: name, start: 0, end: slots }]),
        );
        expect([...kept.values()].flatMap(slotsOf).toSorted()).toEqual(every.toSorted());
        for (const [workerId, leases] of kept) {
          const own = new Set(slotsOf(leases));
          for (const slot of slotsOf(current.get(workerId) ?? [])) expect(own).toContain(slot);
        }
      }),
    );
  });

  it("are the very same for whom nothing changes, so that nobody needs to be told", () => {
    const spec = { tasks: [{ name: "t", slots: 100, microBatch: 4 }] } as unknown as Spec;
    const before = named(
      Array.from({ length: 100 }, () => 1),
      "w",
    );
    const current = assignLeases(spec, before);
    const kept = keepLeases(spec, after(before, { gone: [17], come: [1] }), current);
    const changed = [...(kept ?? [])].filter(([workerId, leases]) => leases !== current.get(workerId));
    expect(changed).toEqual([["new0", current.get("w17")]]);
  });

  it("give what is left over to whoever has least for its speed", () => {
    const spec = { tasks: [{ name: "t", slots: 40, microBatch: 1 }] } as unknown as Spec;
    const before = named(
      Array.from({ length: 40 }, () => 1),
      "w",
    );
    const current = assignLeases(spec, before);
    const now = before.slice(1).map((worker, place) => (place === 20 ? { ...worker, speed: 4 } : worker));
    const kept = keepLeases(spec, now, current);
    expect(slotsOf(kept?.get("w21") ?? [])).toHaveLength(2);
  });

  it("are dealt anew where many come or go, and in a small fleet", () => {
    const spec = { tasks: [{ name: "t", slots: 100, microBatch: 4 }] } as unknown as Spec;
    const before = named(
      Array.from({ length: 40 }, () => 1),
      "w",
    );
    expect(keepLeases(spec, before.slice(9), assignLeases(spec, before))).toBeUndefined();
    expect(keepLeases(spec, before.slice(8), assignLeases(spec, before))).toBeDefined();
    const few = before.slice(0, 12);
    expect(keepLeases(spec, few.slice(1), assignLeases(spec, few))).toBeUndefined();
  });
});
