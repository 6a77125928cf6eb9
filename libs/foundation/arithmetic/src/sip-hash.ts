/**
 * SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF", 2012) in 32-bit integer
 * operations, which every JavaScript engine computes alike. Returns the 64-bit hash as two unsigned words.
 */
export function sipHash24(key: Uint8Array, message: Uint8Array): { low: number; high: number } {
  const k0 = int32At(key, 0);
  const k1 = int32At(key, 4);
  const l0 = int32At(key, 8);
  const l1 = int32At(key, 12);
  // Four 64-bit words as [low, high] halves. The constants spell "somepseudorandomlygeneratedbytes".
  const v = new Int32Array(8);
  v[0] = k0 ^ 0x70736575;
  v[1] = k1 ^ 0x736f6d65;
  v[2] = l0 ^ 0x6e646f6d;
  v[3] = l1 ^ 0x646f7261;
  v[4] = k0 ^ 0x6e657261;
  v[5] = k1 ^ 0x6c796765;
  v[6] = l0 ^ 0x79746573;
  v[7] = l1 ^ 0x74656462;
  const whole = message.length & ~7;
  for (let at = 0; at < whole; at += 8) mixIn(v, int32At(message, at), int32At(message, at + 4));
  // The bytes that are left, and the length in the highest byte.
  let low = 0;
  let high = message.length << 24;
  for (let at = whole; at < message.length; at++) {
    const byte = message[at] as number;
    if (at - whole < 4) low |= byte << (8 * (at - whole));
    else high |= byte << (8 * (at - whole - 4));
  }
  mixIn(v, low, high);
  v[4] = v[4] ^ 255;
  rounds(v, 4);
  return { low: foldedFrom(v, 0), high: foldedFrom(v, 1) };
}

/** One half of all four words. */
function foldedFrom(v: Int32Array, half: 0 | 1): number {
  let folded = 0;
  for (let at: number = half; at < 8; at += 2) folded ^= v[at] as number;
  return folded >>> 0;
}

function int32At(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

function mixIn(v: Int32Array, low: number, high: number): void {
  v[6] = (v[6] as number) ^ low;
  v[7] = (v[7] as number) ^ high;
  rounds(v, 2);
  v[0] = (v[0] as number) ^ low;
  v[1] = (v[1] as number) ^ high;
}

/** In local variables: arrays for the four words made this the dearest part of a key. */
function rounds(v: Int32Array, count: number): void {
  let a0 = v[0] as number;
  let a1 = v[1] as number;
  let b0 = v[2] as number;
  let b1 = v[3] as number;
  let c0 = v[4] as number;
  let c1 = v[5] as number;
  let d0 = v[6] as number;
  let d1 = v[7] as number;
  for (let round = 0; round < count; round++) {
    let low = (a0 >>> 0) + (b0 >>> 0);
    a1 = (a1 + b1 + (low > 0xffffffff ? 1 : 0)) | 0;
    a0 = low | 0;
    let half = (b0 << 13) | (b1 >>> 19);
    b1 = ((b1 << 13) | (b0 >>> 19)) ^ a1;
    b0 = half ^ a0;
    half = a0;
    a0 = a1;
    a1 = half;

    low = (c0 >>> 0) + (d0 >>> 0);
    c1 = (c1 + d1 + (low > 0xffffffff ? 1 : 0)) | 0;
    c0 = low | 0;
    half = (d0 << 16) | (d1 >>> 16);
    d1 = ((d1 << 16) | (d0 >>> 16)) ^ c1;
    d0 = half ^ c0;

    low = (a0 >>> 0) + (d0 >>> 0);
    a1 = (a1 + d1 + (low > 0xffffffff ? 1 : 0)) | 0;
    a0 = low | 0;
    half = (d0 << 21) | (d1 >>> 11);
    d1 = ((d1 << 21) | (d0 >>> 11)) ^ a1;
    d0 = half ^ a0;

    low = (c0 >>> 0) + (b0 >>> 0);
    c1 = (c1 + b1 + (low > 0xffffffff ? 1 : 0)) | 0;
    c0 = low | 0;
    half = (b0 << 17) | (b1 >>> 15);
    b1 = ((b1 << 17) | (b0 >>> 15)) ^ c1;
    b0 = half ^ c0;
    half = c0;
    c0 = c1;
    c1 = half;
  }
  v[0] = a0;
  v[1] = a1;
  v[2] = b0;
  v[3] = b1;
  v[4] = c0;
  v[5] = c1;
  v[6] = d0;
  v[7] = d1;
}
