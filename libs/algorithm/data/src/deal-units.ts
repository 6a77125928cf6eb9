import { TooFewRows, type Unit } from "./row-ref.ts";

/** Small data is mixed over slots in pieces: this many for each slot, where there are rows enough. */
const unitsPerSlotOfSmallData = 8;

/**
 * Cuts a split's shards into the units that every epoch permutes.
 *
 * With at least as many shards as slots a unit is a shard, so that a slot reads few shards. With fewer, shards are
 * cut into equal pieces (lengths differ by at most one) until there are at least 8 for each slot; such data is small
 * enough for everybody to read all of it.
 * @param shardRows rows of each shard, in the manifest's order
 * @throws TooFewRows when there are fewer rows than slots
 */
export function dealUnits(shardRows: readonly number[], slots: number): Unit[] {
  const total = shardRows.reduce((sum, rows) => sum + rows, 0);
  if (total < slots || total === 0) throw new TooFewRows(total, slots);
  const pieces =
    shardRows.length >= slots ? 1 : Math.ceil((unitsPerSlotOfSmallData * slots) / shardRows.length);
  const units: Unit[] = [];
  shardRows.forEach((rows, shard) => {
    const parts = Math.min(pieces, rows);
    for (let part = 0; part < parts; part++) {
      const start = Math.floor((part * rows) / parts);
      units.push({ shard, start, rows: Math.floor(((part + 1) * rows) / parts) - start });
    }
  });
  return units;
}
