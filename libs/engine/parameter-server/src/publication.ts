import type { OwnedSlice, OwnedState } from "./owned-state.ts";

/**
 * What workers get: the published version, and per slice the version that last changed it, so that what a worker has
 * already is not sent again. Bytes are copied out of the arena once per change, however many workers they go to.
 */
export interface Publication {
  /** Undefined before the run has begun. */
  readonly step: number | undefined;
  readonly slices: readonly OwnedSlice[];
  versionOf(slice: OwnedSlice): number;
  bytesOf(slice: OwnedSlice): Uint8Array;
  /** The newest version of the state is published from now on; `changed`: what differs from the one before. */
  advance(changed: readonly OwnedSlice[]): void;
}

export function createPublication(state: OwnedState): Publication {
  const versions = new Map<OwnedSlice, number>();
  const copies = new Map<OwnedSlice, Uint8Array>();
  let first = 0;
  let step: number | undefined;
  return {
    get step() {
      return step;
    },
    slices: state.slices,
    versionOf: (slice) => versions.get(slice) ?? first,
    bytesOf(slice) {
      let copy = copies.get(slice);
      if (!copy) {
        copy = state.copy(slice, "parameters");
        copies.set(slice, copy);
      }
      return copy;
    },
    advance(changed) {
      if (step === undefined) first = state.version;
      step = state.version;
      for (const slice of changed) {
        versions.set(slice, step);
        copies.delete(slice);
      }
    },
  };
}
