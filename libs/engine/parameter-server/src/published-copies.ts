import { neverChanging } from "@latentweave/protocol";

/*
 * Copies of weights that go to workers through sockets: made once per change, however many they go to, in memory that is
 * used again. Fresh memory for a hundred megabytes every step is filled with zeros by the system, and brings on the
 * collector of V8.
 *
 * Invariants:
 * 1. The bytes of a copy do not change as long as it is kept (from `make` to `drop`) or somebody sends it.
 * 2. A copy is an array of its own each time, so that what is known of one (a checksum) is not believed of the next.
 */

/** Less is left to the collector. */
const worthKeepingBytes = 64 * 1024;

export interface PublishedCopies {
  /** @param view may change as soon as this returns */
  make(view: Uint8Array): Uint8Array;
  /** It was made here, and nobody will send it any more who has not begun to. */
  drop(copy: Uint8Array): void;
  /** Those of the slices that were made here are being sent, until `left` resolves. */
  sending(slices: readonly Uint8Array[], left: Promise<void>): void;
  /** All memory that waits to be used again goes back. */
  clear(): void;
}

export function createPublishedCopies(): PublishedCopies {
  const users = new Map<Uint8Array, number>();
  /** By size: as many as were in use at once. */
  const spare = new Map<number, ArrayBuffer[]>();

  const release = (copy: Uint8Array<ArrayBuffer>): void => {
    const left = (users.get(copy) ?? 0) - 1;
    if (left > 0) return void users.set(copy, left);
    if (!users.delete(copy)) return;
    const same = spare.get(copy.byteLength);
    if (same) same.push(copy.buffer);
    else spare.set(copy.byteLength, [copy.buffer]);
  };
  const ours = (slices: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] =>
    slices.filter((slice): slice is Uint8Array<ArrayBuffer> => users.has(slice));

  return {
    make(view) {
      if (view.byteLength < worthKeepingBytes) return neverChanging(view.slice());
      const buffer = spare.get(view.byteLength)?.pop() ?? new ArrayBuffer(view.byteLength);
      const copy = new Uint8Array(buffer);
      copy.set(view);
      users.set(copy, 1);
      return neverChanging(copy);
    },
    drop: (copy) => ours([copy]).forEach(release),
    sending(slices, left) {
      const lent = ours(slices);
      if (lent.length === 0) return;
      for (const copy of lent) users.set(copy, (users.get(copy) ?? 0) + 1);
      void left.then(() => lent.forEach(release));
    },
    clear: () => spare.clear(),
  };
}
