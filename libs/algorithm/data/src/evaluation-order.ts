import type { RowRef } from "./row-ref.ts";

/**
 * The order of validation and test rows: every row once, in the order of the shards, without any randomness.
 * Slot k of S has the rows floor(k*N/S) .. floor((k+1)*N/S); in round r it evaluates the r-th batch of them. The last
 * batch of a slot may be short, and empty where there are fewer rows than slots or rounds: losses are sums over
 * samples and divided by `rows` at the end.
 */
export interface EvaluationOrder {
  readonly rows: number;
  /** Rounds after which every slot is through. */
  readonly rounds: number;
  /** The rows of one micro-batch; empty when the slot has none left. */
  refs(round: number, slot: number): RowRef[];
  /** Samples in that micro-batch. */
  count(round: number, slot: number): number;
  /** Every shard that the slot reads, in order. */
  shardsFor(slot: number): number[];
}

/**
 * @param shardRows rows of each shard of the split, in the manifest's order
 * @param batchRows samples in a full micro-batch
 */
export function createEvaluationOrder(options: {
  readonly shardRows: readonly number[];
  readonly slots: number;
  readonly batchRows: number;
}): EvaluationOrder {
  const { shardRows, slots, batchRows } = options;
  const rows = shardRows.reduce((sum, count) => sum + count, 0);
  const firstOf = (slot: number): number => Math.floor((slot * rows) / slots);
  const longest = Math.ceil(rows / slots);
  const range = (round: number, slot: number): [start: number, count: number] => {
    const start = firstOf(slot) + round * batchRows;
    return [start, Math.max(0, Math.min(batchRows, firstOf(slot + 1) - start))];
  };
  return {
    rows,
    rounds: Math.ceil(longest / batchRows),
    refs: (round, slot) => sequentialRefs(shardRows, ...range(round, slot)),
    count: (round, slot) => range(round, slot)[1],
    shardsFor(slot) {
      const refs = sequentialRefs(shardRows, firstOf(slot), firstOf(slot + 1) - firstOf(slot));
      return [...new Set(refs.map((ref) => ref.shard))];
    },
  };
}

/** The rows [start, start + count) of a split in the order of its shards. */
export function sequentialRefs(shardRows: readonly number[], start: number, count: number): RowRef[] {
  const refs: RowRef[] = [];
  let begin = 0;
  for (let shard = 0; shard < shardRows.length && refs.length < count; shard++) {
    const end = begin + (shardRows[shard] as number);
    for (let at = Math.max(start, begin); at < Math.min(end, start + count); at++)
      refs.push({ shard, row: at - begin });
    begin = end;
  }
  return refs;
}
