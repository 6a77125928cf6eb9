import { permute, randomKey } from "@latentweave/arithmetic";
import type { DataSource } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";

/** Row numbers of the source's training rows (or of all its rows), by what they are used for. */
export interface SplitRows {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Empty where the source brings test rows of its own. */
  readonly test: Uint32Array;
}

const defaultTestFraction = 0.2;

/**
 * Deals rows by a keyed permutation of their numbers: place i holds row permute(i, rows, key). The first
 * round(test * rows) places are the test rows, the next round(validation * rows) validation, the rest training; so the
 * training rows are mixed even where the file is sorted by class. With `trainRows` the first so many of these are kept.
 * @throws UserError when a part that was asked for would be empty
 */
export function splitRows(rows: number, split: DataSource["split"], hasOwnTest: boolean): SplitRows {
  if (hasOwnTest && split?.test !== undefined) {
    throw new UserError({
      what: "split.test is set, but the source brings its own test rows",
      where: "the task's data",
      mend: "remove split.test",
    });
  }
  const testRows = hasOwnTest ? 0 : Math.round(rows * (split?.test ?? defaultTestFraction));
  const validationRows = Math.round(rows * (split?.validation ?? 0));
  const key = randomKey(split?.seed ?? 0, "data", "split");
  const places = Uint32Array.from({ length: rows }, (_, place) => permute(place, rows, key));
  const all = places.subarray(testRows + validationRows);
  const train = all.subarray(0, split?.trainRows ?? all.length);
  if (train.length === 0) {
    throw new UserError({
      what: `${rows} ${rows === 1 ? "row leaves" : "rows leave"} none for training`,
      where: "the task's data",
      mend: "add rows, or lower split.validation and split.test",
    });
  }
  return {
    train,
    validation: places.subarray(testRows, testRows + validationRows),
    test: places.subarray(0, testRows),
  };
}

/**
 * The last `unlabelled` of `rows` rows, which no split deals, among the training rows: mixed by a keyed permutation, so
 * that every part of them has rows of both kinds.
 */
export function mixUnlabelled(
  train: Uint32Array,
  rows: number,
  unlabelled: number,
  split: DataSource["split"],
): Uint32Array {
  if (unlabelled === 0) return train;
  const all = [...train, ...Array.from({ length: unlabelled }, (_, index) => rows - unlabelled + index)];
  const key = randomKey(split?.seed ?? 0, "data", "unlabelled");
  return Uint32Array.from(all, (_, place) => all[permute(place, all.length, key)] as number);
}

const mostShards = 64;
const leastRowsPerShard = 256;

/** How many rows each shard of a split gets: 64 shards, or fewer of at least 256 rows; lengths differ by at most one. */
export function shardLengths(rows: number): number[] {
  if (rows === 0) return [];
  const shards = Math.max(1, Math.min(mostShards, Math.floor(rows / leastRowsPerShard)));
  return Array.from(
    { length: shards },
    (_, shard) => Math.floor(((shard + 1) * rows) / shards) - Math.floor((shard * rows) / shards),
  );
}
