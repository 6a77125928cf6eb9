/** One row of one prepared shard; `shard` is the index in the split's list of shards. */
export interface RowRef {
  readonly shard: number;
  readonly row: number;
}

/** A run of neighbouring rows of one shard: what an epoch permutes. */
export interface Unit {
  readonly shard: number;
  /** First row within the shard. */
  readonly start: number;
  readonly rows: number;
}

/** A task has fewer rows than slots, so that some slot would never have a row. */
export class TooFewRows extends Error {
  override readonly name = "TooFewRows";
  readonly rows: number;
  readonly slots: number;
  constructor(rows: number, slots: number) {
    super(`${rows} training rows cannot be dealt to ${slots} slots: every slot needs at least one row`);
    this.rows = rows;
    this.slots = slots;
  }
}
