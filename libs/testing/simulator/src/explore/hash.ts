/** Hashes of 52 bits, in one number: of a million states two are taken for one with a chance of one in ten thousand. */

/** Of a text. */
export function hashOf(text: string): number {
  let high = 0x811c9dc5;
  let low = 0x1234567;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b) ^ (low >>> 13);
  }
  return joined(high, low);
}

/** Of what has been hashed before, and one thing more. */
export function hashWith(before: number, next: number): number {
  const a = before >>> 0;
  const b = Math.floor(before / 0x1_0000_0000);
  const c = next >>> 0;
  const d = Math.floor(next / 0x1_0000_0000);
  let high = Math.imul(b ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(d + 0x7f4a7c15, 0xc2b2ae35);
  high ^= Math.imul(a, 0x27d4eb2f) ^ Math.imul(c, 0x165667b1);
  let low = Math.imul(a ^ 0x2545f491, 0x9e3779b1) + Math.imul(c ^ (high >>> 15), 0x85ebca77);
  low ^= Math.imul(b, 0xcc9e2d51) + Math.imul(d, 0x1b873593);
  return joined(Math.imul(high ^ (low >>> 16), 0x7feb352d), Math.imul(low ^ (low >>> 15), 0x846ca68b));
}

function joined(high: number, low: number): number {
  const mixed = Math.imul(high ^ (high >>> 16), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) >>> 12) * 0x1_0000_0000 + ((low ^ (low >>> 16)) >>> 0);
}
