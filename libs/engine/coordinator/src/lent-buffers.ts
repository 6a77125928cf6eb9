/**
 * Memory for pieces that are on their way to the disk. Memory that was touched before is faster by far: fresh pages are
 * filled with zeros first, and large buffers that die have V8 mark its heap. Shared, so that a thread can write it.
 */
export interface LentBuffers {
  /** A copy, in memory that is the caller's until it gives it back. */
  copyOf(bytes: Uint8Array): Uint8Array<SharedArrayBuffer>;
  giveBack(copy: Uint8Array<SharedArrayBuffer>): void;
}

/** @param most how many are kept for later */
export function createLentBuffers(most: number): LentBuffers {
  const spare: SharedArrayBuffer[] = [];
  return {
    copyOf(bytes) {
      const place = spare.findIndex(({ byteLength }) => byteLength >= bytes.byteLength);
      const [buffer = new SharedArrayBuffer(bytes.byteLength)] = place < 0 ? [] : spare.splice(place, 1);
      const copy = new Uint8Array(buffer, 0, bytes.byteLength);
      copy.set(bytes);
      return copy;
    },
    giveBack({ buffer }) {
      spare.push(buffer);
      // The smallest serve fewest.
      spare.sort((a, b) => b.byteLength - a.byteLength);
      spare.length = Math.min(spare.length, most);
    },
  };
}
