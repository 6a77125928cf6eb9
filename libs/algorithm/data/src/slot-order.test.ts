import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dealUnits } from "./deal-units.ts";
import { TooFewRows, type RowRef } from "./row-ref.ts";
import { createSlotOrder, type SlotOrderOptions } from "./slot-order.ts";

const orders = fc
  .record({
    shardRows: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
    slots: fc.integer({ min: 1, max: 9 }),
    windowRows: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(),
    shuffle: fc.boolean(),
  })
  .filter(({ shardRows, slots }) => sum(shardRows) >= slots)
  .map(({ shardRows, ...rest }) => ({
    shardRows,
    options: { ...rest, task: "digits", units: dealUnits(shardRows, rest.slots) } satisfies SlotOrderOptions,
  }));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const name = ({ shard, row }: RowRef): string => `${shard}/${row}`;
const allRows = (shardRows: readonly number[]): string[] =>
  shardRows.flatMap((rows, shard) => Array.from({ length: rows }, (_, row) => name({ shard, row })));

describe("the order of training data", () => {
  it("gives every row exactly once per epoch over all slots", () => {
    fc.assert(
      fc.property(orders, fc.integer({ min: 0, max: 4 }), ({ shardRows, options }, epoch) => {
        const order = createSlotOrder(options);
        const seen = Array.from({ length: options.slots }, (_, slot) => {
          const rows = order.rowsPerEpoch(slot);
          return order.refs(slot, epoch * rows, rows).map(name);
        }).flat();
        expect(seen.sort()).toEqual(allRows(shardRows).sort());
      }),
    );
  });

  it("reads the same rows by random access as by walking", () => {
    fc.assert(
      fc.property(orders, fc.nat(300), fc.nat(50), ({ options }, position, count) => {
        const walked = createSlotOrder(options);
        const jumped = createSlotOrder(options);
        const slot = position % options.slots;
        const one = Array.from({ length: position + count }, (_, at) => walked.refs(slot, at, 1)[0]);
        expect(jumped.refs(slot, position, count)).toEqual(one.slice(position));
      }),
    );
  });

  it("keeps a slot within the shards it announces, which over an epoch are its own share and two cut ones", () => {
    fc.assert(
      fc.property(orders, fc.nat(3), ({ shardRows, options }, epoch) => {
        const order = createSlotOrder(options);
        for (let slot = 0; slot < options.slots; slot++) {
          const rows = order.rowsPerEpoch(slot);
          const announced = new Set(order.shardsFor(slot, epoch * rows, rows));
          const used = new Set(order.refs(slot, epoch * rows, rows).map((ref) => ref.shard));
          expect(announced).toEqual(used);
          if (shardRows.length >= options.slots) {
            const smallest = Math.min(...shardRows);
            expect(used.size).toBeLessThanOrEqual(Math.ceil(rows / smallest) + 1);
          }
        }
      }),
    );
  });

  it("announces every shard that a part of an epoch, or a run over its end, reads", () => {
    fc.assert(
      fc.property(orders, fc.nat(200), fc.integer({ min: 1, max: 120 }), ({ options }, position, count) => {
        const order = createSlotOrder(options);
        const announced = new Set(order.shardsFor(0, position, count));
        for (const ref of order.refs(0, position, count)) expect(announced.has(ref.shard)).toBe(true);
      }),
    );
  });

  it("lets each of four workers read at most a third of an epoch's shards, as MNIST is prepared", () => {
    const shardRows = Array.from({ length: 64 }, (_, shard) => (shard < 32 ? 938 : 937));
    for (const slots of [4, 8, 16, 32, 64]) {
      const order = createSlotOrder({ seed: 7, task: "digits", units: dealUnits(shardRows, slots), slots });
      for (let worker = 0; worker < 4; worker++) {
        const shards = new Set<number>();
        for (let slot = (worker * slots) / 4; slot < ((worker + 1) * slots) / 4; slot++) {
          for (const shard of order.shardsFor(slot, 0, order.rowsPerEpoch(slot))) shards.add(shard);
        }
        expect(shards.size / 64).toBeLessThan(1 / 3);
      }
    }
  });

  it("counts epochs by the slot's own rows", () => {
    const order = createSlotOrder({ seed: 1, task: "t", units: dealUnits([10], 3), slots: 3 });
    expect([0, 1, 2].map((slot) => order.rowsPerEpoch(slot))).toEqual([3, 3, 4]);
    expect([0, 2, 3, 5, 6].map((position) => order.epochOf(0, position))).toEqual([0, 0, 1, 1, 2]);
  });

  it("differs by seed, task and epoch, and follows the shards when shuffling is off", () => {
    const base = { seed: 1, task: "a", units: dealUnits([400, 400], 2), slots: 2 };
    const rows = (options: SlotOrderOptions, from = 0): string =>
      createSlotOrder(options).refs(0, from, 400).map(name).join();
    const orders = [rows(base), rows(base, 400), rows({ ...base, seed: 2 }), rows({ ...base, task: "b" })];
    expect(new Set(orders).size).toBe(4);
    expect(rows({ ...base, shuffle: false })).toBe(allRows([400, 400]).slice(0, 400).join());
  });

  it("is the order written down in docs/data.md, to the row", () => {
    const order = createSlotOrder({
      seed: 7,
      task: "digits",
      units: dealUnits([5, 6, 4], 2),
      slots: 2,
      windowRows: 4,
    });
    expect([0, 1].map((slot) => order.refs(slot, 0, 10).map(name).join(" "))).toMatchInlineSnapshot(`
      [
        "1/1 1/0 1/3 1/2 1/4 1/5 2/0 2/2 2/0 2/3",
        "2/1 0/0 2/2 2/3 0/2 0/1 0/4 0/3 0/4 1/1",
      ]
    `);
  });

  it("refuses fewer rows than slots, and positions that are no whole numbers", () => {
    expect(() => dealUnits([1, 2], 4)).toThrow(TooFewRows);
    expect(() => createSlotOrder({ seed: 1, task: "t", units: [], slots: 1 })).toThrow(TooFewRows);
    const order = createSlotOrder({ seed: 1, task: "t", units: dealUnits([9], 1), slots: 1 });
    expect(() => order.refs(0, -1, 1)).toThrow(RangeError);
    expect(() => order.refs(0, 0.5, 1)).toThrow(RangeError);
    expect(() => order.refs(1, 0, 1)).toThrow(RangeError);
  });
});

describe("units", () => {
  it("are the shards themselves when there are as many as slots", () => {
    expect(dealUnits([3, 5], 2)).toEqual([
      { shard: 0, start: 0, rows: 3 },
      { shard: 1, start: 0, rows: 5 },
    ]);
  });

  it("are pieces of shards when there are fewer, covering every row once and leaving none empty", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 }), (shardRows) => {
        const slots = shardRows.length + 1;
        fc.pre(sum(shardRows) >= slots);
        const units = dealUnits(shardRows, slots);
        expect(units.every((unit) => unit.rows > 0)).toBe(true);
        const rows = units.flatMap(({ shard, start, rows }) =>
          Array.from({ length: rows }, (_, index) => name({ shard, row: start + index })),
        );
        expect(rows).toEqual(allRows(shardRows));
      }),
    );
  });
});
