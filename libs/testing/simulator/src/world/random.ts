/**
 * A small generator for what a simulation draws: delays, faults, what survives a power cut. None of it reaches a weight.
 * Streams are named, so that a fault that is taken out of a schedule leaves the draws of everything else as they were.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number from 0 to `below` - 1. */
  int(below: number): number;
  between(low: number, high: number): number;
  /** Between `low` and `high`, each factor of ten as often as the next. */
  spread(low: number, high: number): number;
  chance(probability: number): boolean;
  /** @throws RangeError when there is nothing to pick. */
  pick<Item>(items: readonly Item[]): Item;
}

export function createRandom(seed: number, stream: string): Random {
  let state = hashOf(seed, stream);
  // mulberry32: a counter in steps of an odd constant, mixed by multiplications.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    next,
    int,
    between: (low, high) => low + next() * (high - low),
    spread: (low, high) => low * Math.exp(next() * Math.log(high / low)),
    chance: (probability) => next() < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError("there is nothing to pick");
      return items[int(items.length)] as (typeof items)[number];
    },
  };
}

/** FNV-1a over the seed's bytes and the stream's name, mixed once more so that near seeds part at once. */
function hashOf(seed: number, stream: string): number {
  let hash = 0x811c9dc5;
  const take = (byte: number): void => {
    hash = Math.imul(hash ^ byte, 0x01000193);
  };
  for (let shift = 0; shift < 53; shift += 8) take(Math.floor(seed / 2 ** shift) & 0xff);
  for (let at = 0; at < stream.length; at++) take(stream.charCodeAt(at) & 0xff);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
