/** Typed arrays of 8-byte numbers need this alignment of the memory below them. */
const memoryAlignment = 8;

/**
 * Consecutive pieces of memory read as one run of bytes. A WebSocket delivers a message in the pieces in which it was
 * sent; joining them would copy every tensor once more. Ranges are asked for in rising order, so the search never
 * goes back further than the piece of the last answer.
 */
export class ByteParts {
  readonly totalBytes: number;
  readonly #parts: readonly Uint8Array[];
  #index = 0;
  #indexStart = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
    this.totalBytes = parts.reduce((sum, part) => sum + part.length, 0);
  }

  /**
   * The bytes [start, start + length), which must exist and must not start before an earlier request: a view where
   * one piece holds them all at an address that suits any typed array (a multiple of 8), a copy otherwise.
   */
  read(start: number, length: number): Uint8Array {
    if (start < this.#indexStart || start + length > this.totalBytes) {
      throw new RangeError(
        `bytes ${start}+${length} of ${this.totalBytes}, read from ${this.#indexStart} on`,
      );
    }
    if (length === 0) return new Uint8Array(0);
    this.#seek(start);
    const part = this.#parts[this.#index];
    if (part === undefined) throw new RangeError(`no bytes at ${start}`);
    const from = start - this.#indexStart;
    const whole = from + length <= part.length;
    if (whole && (part.byteOffset + from) % memoryAlignment === 0) {
      return new Uint8Array(part.buffer, part.byteOffset + from, length);
    }
    return this.#copy(start, length);
  }

  #seek(start: number): void {
    for (;;) {
      const part = this.#parts[this.#index];
      if (part === undefined || start < this.#indexStart + part.length) return;
      this.#indexStart += part.length;
      this.#index += 1;
    }
  }

  #copy(start: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    let partStart = this.#indexStart;
    for (let i = this.#index, filled = 0; filled < length; i++) {
      const part = this.#parts[i];
      if (part === undefined) throw new RangeError(`no bytes at ${start + filled}`);
      const from = start + filled - partStart;
      const piece = part.subarray(from, from + length - filled);
      copy.set(piece, filled);
      filled += piece.length;
      partStart += part.length;
    }
    return copy;
  }
}
