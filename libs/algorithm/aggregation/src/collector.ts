import type { Acceptance } from "./reducer.ts";
import { rootLevel } from "./tree.ts";
import { PayloadLengthError } from "./value-store.ts";

/** Holds a payload that is kept apart: one value per slot, never added. */
export interface Collector {
  /** Copies the bytes in; the first arrival for a slot stays. Throws RangeError for a slot that does not exist. */
  accept(slot: number, bytes: Uint8Array): Acceptance;
  isComplete(): boolean;
  /** A slot's bytes, valid until `reset`; undefined before they arrived. */
  bytesOf(slot: number): Uint8Array | undefined;
  /** Arrivals dropped since the last reset because the slot was held already. */
  readonly duplicates: number;
  /** Forgets every slot; the memory is kept for the next round. */
  reset(): void;
}

/** An empty collector of `slots` values of `bytesEach` bytes. */
export function createCollector(options: { readonly slots: number; readonly bytesEach: number }): Collector {
  const { slots, bytesEach } = options;
  rootLevel(slots);
  const store = new Uint8Array(slots * bytesEach);
  const present = new Uint8Array(slots);
  let count = 0;
  let duplicates = 0;
  return {
    accept(slot, bytes) {
      if (!Number.isSafeInteger(slot) || slot < 0 || slot >= slots) {
        throw new RangeError(`slot ${slot} is not one of ${slots}`);
      }
      if (present[slot] === 1) {
        duplicates += 1;
        return "duplicate";
      }
      if (bytes.byteLength !== bytesEach) throw new PayloadLengthError(bytesEach, bytes.byteLength);
      store.set(bytes, slot * bytesEach);
      present[slot] = 1;
      count += 1;
      return "accepted";
    },
    isComplete: () => count === slots,
    bytesOf: (slot) =>
      present[slot] === 1 ? store.subarray(slot * bytesEach, (slot + 1) * bytesEach) : undefined,
    get duplicates() {
      return duplicates;
    },
    reset() {
      present.fill(0);
      count = 0;
      duplicates = 0;
    },
  };
}
