/** Shares a number of bytes per second among all who ask, in the order in which they ask. */
export class Pacer {
  readonly #bytesPerSecond: number;
  #freeAtMs = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** @returns when these bytes have passed */
  reserve(bytes: number, nowMs: number): number {
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + (bytes / this.#bytesPerSecond) * 1000;
    return this.#freeAtMs;
  }
}
