import type { RowRef } from "./row-ref.ts";

/**
 * The rows [start, start + count) of a split in the order of its shards, fewer where the split ends: the order of
 * validation and test rows, which has no randomness.
 * @param shardRows rows of each shard of the split, in the manifest's order
 */
export function sequentialRefs(shardRows: readonly number[], start: number, count: number): RowRef[] {
  const refs: RowRef[] = [];
  let begin = 0;
  for (let shard = 0; shard < shardRows.length && refs.length < count; shard++) {
    const end = begin + (shardRows[shard] as number);
    for (let at = Math.max(start, begin); at < Math.min(end, start + count); at++) {
      refs.push({ shard, row: at - begin });
    }
    begin = end;
  }
  return refs;
}
