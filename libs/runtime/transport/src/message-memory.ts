/** Less than this is not worth keeping apart from what it may grow to. */
const smallestBytes = 256 * 1024;
/** So much larger than what is needed is left for what needs it, which would be new otherwise. */
const mostSpareTimes = 8;
/** Memory that nobody needed for so long goes back to the system. */
const keptMs = 30_000;

interface Idle {
  readonly bytes: Uint8Array;
  readonly sinceMs: number;
}

/**
 * Memory in which messages are put together, used again: a gradient of a hundred megabytes comes every step, and fresh
 * memory for each is filled with zeros by the system, and found by V8's collector long after. As much is kept as was
 * needed at once.
 */
export class MessageMemory {
  readonly #nowMs: () => number;
  #idle: Idle[] = [];

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * @param fresh where none is kept that holds so much, this much is new
   * @returns with anything in it
   */
  take(bytes: number, fresh = bytes): Uint8Array {
    const most = mostSpareTimes * Math.max(bytes, smallestBytes);
    const [first, ...others] = this.#idle.filter(
      (idle) => idle.bytes.length >= bytes && idle.bytes.length <= most,
    );
    // Not filled with zeros; and no Buffer, whose `slice` does not copy.
    if (first === undefined) {
      return new Uint8Array(Buffer.allocUnsafeSlow(Math.max(fresh, smallestBytes)).buffer);
    }
    const smallest = others.reduce(
      (least, idle) => (idle.bytes.length < least.bytes.length ? idle : least),
      first,
    );
    this.#idle = this.#idle.filter((idle) => idle !== smallest);
    return smallest.bytes;
  }

  /** What `take` gave is not needed any more. */
  give(bytes: Uint8Array): void {
    const now = this.#nowMs();
    this.#idle = this.#idle.filter(({ sinceMs }) => now - sinceMs < keptMs);
    this.#idle.push({ bytes, sinceMs: now });
  }
}
