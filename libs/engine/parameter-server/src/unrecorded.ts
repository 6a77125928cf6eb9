import type { MessageOf } from "@latentweave/protocol";

export type CommitRecordMessage = MessageOf<"committed">;

/**
 * Records of commits that the coordinator has not acknowledged, oldest first: they are told again to whoever is the
 * coordinator next.
 */
export interface Unrecorded {
  add(record: CommitRecordMessage): void;
  /** Everything up to this step is in the ledger. */
  acknowledged(step: number): void;
  readonly records: readonly CommitRecordMessage[];
  /** Nothing further may be decided until the coordinator has caught up. */
  readonly full: boolean;
  clear(): void;
}

/** Commits that the leader makes before the coordinator has acknowledged the oldest of them. */
const mostRecords = 64;

export function createUnrecorded(): Unrecorded {
  let records: CommitRecordMessage[] = [];
  return {
    add: (record) => void records.push(record),
    acknowledged(step) {
      records = records.filter((record) => record.step > step);
    },
    get records() {
      return records;
    },
    get full() {
      return records.length >= mostRecords;
    },
    clear() {
      records = [];
    },
  };
}
