import type { Key } from "./key.ts";

// Eight rounds per half. Four would do for large counts (Luby, Rackoff 1988); small ones need more before each of
// their few orders is about as likely as another, which the tests measure.
const rounds = 16;

const mostIndices = 4_503_599_627_370_496; // 2^52

/**
 * Position `index` of the permutation of 0..count−1 that `key` names: a bijection with random access and no state.
 *
 * A Feistel network on pairs (x, y) with x < a = ⌈√count⌉ and y < b = ⌈count / a⌉, adding modulo a and modulo b in
 * turn, permutes 0..a·b−1; values at or past `count` are fed back until one falls below it (cycle walking: Black,
 * Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). Fewer than a values lie past count, so about one
 * pass is needed. Integers only; exact for count up to 2^52.
 *
 * Throws RangeError unless 0 ≤ index < count ≤ 2^52, both integers.
 */
export function permute(index: number, count: number, key: Key): number {
  if (!Number.isSafeInteger(count) || count < 1 || count > mostIndices) {
    throw new RangeError(`a permutation needs a count from 1 to 2^52, not ${count}`);
  }
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) {
    throw new RangeError(`index ${index} lies outside a permutation of ${count}`);
  }
  const a = Math.ceil(Math.sqrt(count));
  const b = Math.ceil(count / a);
  let value = index;
  do {
    let x = Math.floor(value / b);
    let y = value - x * b;
    for (let round = 0; round < rounds; round += 2) {
      x = (x + roundHash(y, round, key)) % a;
      y = (y + roundHash(x, round + 1, key)) % b;
    }
    value = x * b + y;
  } while (value >= count);
  return value;
}

/** 32 bits from (value, round, key): two passes of MurmurHash3's finaliser, one per half of the key. */
function roundHash(value: number, round: number, key: Key): number {
  const once = mix(value ^ key.low ^ Math.imul(round + 1, 0x9e3779b9));
  return mix(once ^ key.high ^ Math.imul(round + 1, 0x85ebca77)) >>> 0;
}

/** fmix32 of MurmurHash3 (Appleby): a bijection of 32-bit words in which every input bit moves every output bit. */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
