/*
 * How slices lie in a range of shared memory that one process fills and another reads: a page that belongs to the
 * reader's count, then a ring. Both sides count from the same lengths, in the order of frames, so no place is ever sent.
 *
 *      0  u64    bytes of the ring that the reader is done with, counted from the beginning, never wrapped
 *   4096         the ring; a slice is never cut at its end, it begins anew at its start
 */
export const ringAt = 4096;
/** A cache line, as in frames. */
const alignment = 64;

/** Where a slice begins, counted from the beginning; `from`: where the one before it ends. */
export function placeOf(from: number, bytes: number, ringBytes: number): number {
  const start = Math.ceil(from / alignment) * alignment;
  const room = ringBytes - (start % ringBytes);
  return bytes <= room ? start : start + room;
}

/** Where slices of these lengths end that begin at `from` or after it. */
export function endOf(from: number, lengths: readonly number[], ringBytes: number): number {
  return lengths.reduce((at, bytes) => placeOf(at, bytes, ringBytes) + bytes, from);
}

/** The reader's count, as both see it. */
export function countIn(buffer: ArrayBuffer): { get(): number; set(count: number): void } {
  const word = new BigUint64Array(buffer, 0, 1);
  return {
    get: () => Number(Atomics.load(word, 0)),
    set: (count) => void Atomics.store(word, 0, BigInt(count)),
  };
}
