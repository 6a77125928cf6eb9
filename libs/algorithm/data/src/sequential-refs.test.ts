import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sequentialRefs } from "./sequential-refs.ts";

const name = ({ shard, row }: { shard: number; row: number }): string => `${shard}/${row}`;

describe("the order of evaluation", () => {
  it("covers every row exactly once in batches, the last of them short", () => {
    const shards = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 6 });
    fc.assert(
      fc.property(shards, fc.integer({ min: 1, max: 20 }), (shardRows, batch) => {
        const total = shardRows.reduce((sum, rows) => sum + rows, 0);
        const batches = Array.from({ length: Math.ceil(total / batch) }, (_, index) =>
          sequentialRefs(shardRows, index * batch, batch),
        );
        for (const refs of batches.slice(0, -1)) expect(refs.length).toBe(batch);
        const expected = shardRows.flatMap((rows, shard) =>
          Array.from({ length: rows }, (_, row) => name({ shard, row })),
        );
        expect(batches.flat().map(name)).toEqual(expected);
      }),
    );
  });

  it("runs over the borders of shards and over empty ones", () => {
    expect(sequentialRefs([2, 0, 3], 1, 3).map(name)).toEqual(["0/1", "2/0", "2/1"]);
    expect(sequentialRefs([2, 0, 3], 4, 3).map(name)).toEqual(["2/2"]);
  });
});
