import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEvaluationOrder, sequentialRefs } from "./evaluation-order.ts";

describe("the order of evaluation", () => {
  it("covers every row exactly once, in short batches where need be", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 20 }),
        (shardRows, slots, batchRows) => {
          const order = createEvaluationOrder({ shardRows, slots, batchRows });
          const seen: string[] = [];
          for (let slot = 0; slot < slots; slot++) {
            for (let round = 0; round < order.rounds; round++) {
              const refs = order.refs(round, slot);
              expect(refs.length).toBe(order.count(round, slot));
              expect(refs.length).toBeLessThanOrEqual(batchRows);
              const shards = order.shardsFor(slot);
              for (const ref of refs) expect(shards).toContain(ref.shard);
              seen.push(...refs.map(({ shard, row }) => `${shard}/${row}`));
            }
            expect(order.refs(order.rounds, slot)).toEqual([]);
          }
          const expected = shardRows.flatMap((rows, shard) =>
            Array.from({ length: rows }, (_, row) => `${shard}/${row}`),
          );
          expect(seen).toEqual(expected);
        },
      ),
    );
  });

  it("runs over the borders of shards", () => {
    expect(sequentialRefs([2, 0, 3], 1, 3)).toEqual([
      { shard: 0, row: 1 },
      { shard: 2, row: 0 },
      { shard: 2, row: 1 },
    ]);
  });
});
