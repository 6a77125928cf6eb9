/** A person who mistypes stays below; a program that guesses needs years for a token of eight letters. */
export const maxWrongTokens = 20;
export const windowMs = 60_000;
/** Bounds the memory that a caller with many addresses can take. */
const maxAddresses = 10_000;

/** Counts wrong tokens per address, so that tokens cannot be guessed by trying. */
export class AttemptLimit {
  readonly #wrong = new Map<string, { readonly count: number; readonly untilMs: number }>();

  /** Whether this address may try a token now. */
  mayTry(address: string, nowMs: number): boolean {
    const entry = this.#wrong.get(address);
    return entry === undefined || nowMs >= entry.untilMs || entry.count < maxWrongTokens;
  }

  wrongToken(address: string, nowMs: number): void {
    const entry = this.#wrong.get(address);
    const current =
      entry !== undefined && nowMs < entry.untilMs ? entry : { count: 0, untilMs: nowMs + windowMs };
    this.#wrong.delete(address);
    this.#wrong.set(address, { ...current, count: current.count + 1 });
    const [oldest] = this.#wrong.keys();
    if (this.#wrong.size > maxAddresses && oldest !== undefined) this.#wrong.delete(oldest);
  }
}
