import type { LedgerEnd, MessageOf } from "@latentweave/protocol";

/** What a shard has said that it holds; undefined: no weights of this run. */
export type Holding = MessageOf<"held">["state"];

/**
 * Pure: whether a run can go on from what its shards hold, with no step undone. All are in the ledger's timeline; those
 * that stand still are at most one version apart, as they were when their processes ended. Those in the middle of their
 * steps fit together anyhow: they wait for each other.
 */
export function fitTogether(holdings: readonly Holding[], ledgerEnd: LedgerEnd): boolean {
  const held = holdings.filter((holding) => holding !== undefined);
  const still = held.filter(({ running }) => !running).map(({ version }) => version);
  return (
    held.length === holdings.length &&
    held.every(({ timeline }) => timeline === ledgerEnd.timeline) &&
    (still.length === 0 || Math.max(...still) - Math.min(...still) <= 1)
  );
}

/** Pure: whether this leader can tell every record that the ledger lacks, and the ledger knows of none that it does not. */
export function tellsAll(leader: NonNullable<Holding>, { nextStep }: LedgerEnd): boolean {
  // A last step that only evaluates leaves the version as it was.
  return (leader.recordsFrom ?? leader.version) <= nextStep && nextStep <= leader.version + 1;
}
