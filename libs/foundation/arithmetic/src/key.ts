import { sipHash24 } from "./sip-hash.ts";

/** 64 bits that name a stream of draws: two unsigned 32-bit words. */
export interface Key {
  readonly low: number;
  readonly high: number;
}

// Any fixed value would do; this one is SipHash's own reference key, so its published vectors test this very path.
const hashKey = Uint8Array.from({ length: 16 }, (_, index) => index);
const utf8 = new TextEncoder();

/**
 * The key of a draw, from the run's seed and what the draw is for, e.g. `randomKey(seed, "dropout", step, slot)`.
 * Parts are encoded so that no two lists of parts read the same: ("a", "b") and ("ab") differ, so do 1 and "1".
 * The hash is SipHash-2-4 (Aumasson, Bernstein 2012) over that encoding. Throws RangeError for a number that is not
 * finite.
 */
export function randomKey(seed: number, ...parts: readonly (string | number)[]): Key {
  return sipHash24(hashKey, encodeParts([seed, ...parts]));
}

/** Number: byte 1, float64 little-endian (−0 as 0). String: byte 2, UTF-8 length as u32 little-endian, UTF-8. */
function encodeParts(parts: readonly (string | number)[]): Uint8Array {
  const texts = parts.map((part) => (typeof part === "string" ? utf8.encode(part) : undefined));
  const length = texts.reduce((sum, text) => sum + (text === undefined ? 9 : 5 + text.length), 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  parts.forEach((part, index) => {
    const text = texts[index];
    if (typeof part === "number") {
      if (!Number.isFinite(part)) throw new RangeError(`a random key cannot be made from ${part}`);
      view.setUint8(at, 1);
      view.setFloat64(at + 1, part + 0, true);
      at += 9;
    } else if (text !== undefined) {
      view.setUint8(at, 2);
      view.setUint32(at + 1, text.length, true);
      bytes.set(text, at + 5);
      at += 5 + text.length;
    }
  });
  return bytes;
}
