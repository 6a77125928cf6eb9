import type { Arithmetic, FeedbackCodec } from "@latentweave/arithmetic";
import { neverChanging, neverChangingTogether } from "@latentweave/protocol";
import type { OwnedSlice, OwnedState } from "./owned-state.ts";
import { createPublishedCopies } from "./published-copies.ts";

type ChangeKind = FeedbackCodec["kind"];

/** What an update has changed. */
export interface ChangedSlice {
  readonly slice: OwnedSlice;
  /** The change from what was there, where the job rounds it. */
  readonly encoded: Uint8Array | undefined;
  /** What it is encoded with, where that is with feedback. */
  readonly kind?: ChangeKind;
}

/**
 * What workers get: the newest version and the one before it, and per slice the version that last changed it, so that
 * what a worker has already is not sent again. Bytes are copied out of the arena once per change, however many workers
 * they go to.
 *
 * Invariants:
 * 1. The version before the newest can be read until the next update begins, and none begins before the newest is
 *    settled: it takes a report of every shard, and each makes it on the newest.
 * 2. `settled` never exceeds `newest` and is at most one behind it.
 */
export interface Publication {
  /** Undefined before the run has begun. */
  readonly newest: number | undefined;
  /** The newest version that every shard is known to hold. */
  readonly settled: number | undefined;
  readonly slices: readonly OwnedSlice[];
  /** The version, not above `version`, that last changed the slice. */
  changedAt(slice: OwnedSlice, version: number): number;
  /** A copy that does not change while it is the newest, or is being sent. @param version the newest or the one before */
  bytesOf(slice: OwnedSlice, version: number): Uint8Array;
  /** Such bytes, encoded changes among them, were given to a channel, which has them until `left` resolves. */
  sending(all: readonly Uint8Array[], left: Promise<void>): void;
  /** Of such bytes, encoded changes among them, that go to many as one message: the same array for the same ones. */
  together(all: readonly Uint8Array[]): readonly Uint8Array[];
  /** The same numbers where they lie, until the next update. */
  viewOf(slice: OwnedSlice, version: number): Uint8Array;
  /**
   * The encoded change to the slice's numbers in `version` from those that its change `from` gave it; never changes.
   * Undefined where there is none: all but the newest are forgotten, and those of a process before this one.
   */
  changeOf(slice: OwnedSlice, version: number, from: number | undefined): Uint8Array | undefined;
  /** What the newest change of the slice is encoded with, where that is with feedback. */
  kindOf(slice: OwnedSlice): ChangeKind | undefined;
  /** The state's version is the first to be published; nothing is settled yet. */
  begin(): void;
  /**
   * The newest version of the state is published from now on; `changed`: what differs from the one before, which is
   * settled, for the leader decides on nothing else.
   */
  advance(changed: readonly ChangedSlice[]): void;
  settle(version: number): void;
  /** The numbers are about to be overwritten: there is nothing to publish before it begins again. */
  cease(): void;
}

/** The last two versions that changed a slice, newest first, with their bytes once somebody has asked for them. */
interface Change {
  readonly version: number;
  bytes: Uint8Array | undefined;
  readonly encoded?: Uint8Array | undefined;
  readonly kind?: ChangeKind | undefined;
}

/** Sets of slices that workers with different tasks get, of one version or two. */
const maxTogether = 16;

export function createPublication(arithmetic: Arithmetic, state: OwnedState): Publication {
  const changes = new Map<OwnedSlice, readonly Change[]>();
  const copies = createPublishedCopies();
  /** Newest first. */
  const together: (readonly Uint8Array[])[] = [];
  let newest: number | undefined;
  let settled: number | undefined;

  const changeFor = (slice: OwnedSlice, version: number): Change => {
    const known = changes.get(slice) ?? [];
    const found = known.find((change) => change.version <= version) ?? known.at(-1);
    if (!found) throw new RangeError("nothing is published yet");
    return found;
  };

  const viewOf = (slice: OwnedSlice, version: number): Uint8Array => {
    // The newest change is what both memories hold, unless it is the one that the newest version made.
    const back = version < (newest ?? 0) && (changes.get(slice)?.[0]?.version ?? 0) === newest;
    return arithmetic.u8(state.pointer(slice, "parameters", back ? 1 : 0), slice.numbers * 4);
  };

  /** Invariant 2: words of the leader may come late, after a decision that says more, and one may be lost. */
  const settle = (version: number): void => {
    if (newest === undefined || version > newest) return;
    settled = Math.max(settled ?? version, version);
    // Nobody gets the one before any more.
    if (settled === newest) for (const [, before] of changes.values()) forget(before);
  };

  const forget = (change: Change | undefined): void => {
    if (change?.bytes) copies.drop(change.bytes);
    if (change) change.bytes = undefined;
  };

  return {
    get newest() {
      return newest;
    },
    get settled() {
      return settled;
    },
    slices: state.slices,
    changedAt: (slice, version) => changeFor(slice, version).version,
    bytesOf(slice, version) {
      const change = changeFor(slice, version);
      change.bytes ??= copies.make(viewOf(slice, version));
      return change.bytes;
    },
    sending: (all, left) => copies.sending(all, left),
    together(all) {
      const isSame = (known: readonly Uint8Array[]): boolean =>
        known.length === all.length && known.every((bytes, i) => bytes === all[i]);
      const found = together.find(isSame);
      if (found) return found;
      const added = neverChangingTogether(all);
      together.unshift(added);
      together.length = Math.min(together.length, maxTogether);
      return added;
    },
    viewOf,
    changeOf(slice, version, from) {
      const [newestChange, before] = changes.get(slice) ?? [];
      const isNewest = newestChange !== undefined && newestChange.version <= version;
      return isNewest && from !== undefined && before?.version === from ? newestChange.encoded : undefined;
    },
    kindOf: (slice) => changes.get(slice)?.[0]?.kind,
    begin() {
      newest = state.version;
      settled = undefined;
      // What was found in memory that outlived its process may be ahead of the other shards: then both are asked for.
      const versions = newest > 0 ? [newest, newest - 1] : [newest];
      for (const known of changes.values()) known.forEach(forget);
      for (const slice of state.slices)
        changes.set(
          slice,
          versions.map((version) => ({ version, bytes: undefined })),
        );
    },
    advance(changed) {
      newest = state.version;
      settle(newest - 1);
      // What they hold of versions before would not be freed.
      together.length = 0;
      for (const { slice, encoded, kind } of changed) {
        const [before] = changes.get(slice) ?? [];
        // Who still needs it gets another: its numbers can be read for as long.
        for (const one of changes.get(slice) ?? []) forget(one);
        const change: Change = {
          ...{ version: newest, bytes: undefined },
          encoded: encoded && neverChanging(encoded),
          kind,
        };
        changes.set(slice, [change, ...(before ? [{ ...before, encoded: undefined }] : [])]);
      }
    },
    settle,
    cease() {
      newest = settled = undefined;
      for (const known of changes.values()) known.forEach(forget);
      changes.clear();
      copies.clear();
      together.length = 0;
    },
  };
}
