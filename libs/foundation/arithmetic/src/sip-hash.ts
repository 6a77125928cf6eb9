/**
 * SipHash-2-4 (J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF", 2012) in 32-bit integer
 * operations, which every JavaScript engine computes alike. Returns the 64-bit hash as two unsigned words.
 */
export function sipHash24(key: Uint8Array, message: Uint8Array): { low: number; high: number } {
  const keyView = new DataView(key.buffer, key.byteOffset, 16);
  const k: Word = [keyView.getInt32(0, true), keyView.getInt32(4, true)];
  const l: Word = [keyView.getInt32(8, true), keyView.getInt32(12, true)];
  // The constants spell "somepseudorandomlygeneratedbytes".
  const v0: Word = [k[0] ^ 0x70736575, k[1] ^ 0x736f6d65];
  const v1: Word = [l[0] ^ 0x6e646f6d, l[1] ^ 0x646f7261];
  const v2: Word = [k[0] ^ 0x6e657261, k[1] ^ 0x6c796765];
  const v3: Word = [l[0] ^ 0x79746573, l[1] ^ 0x74656462];

  const padded = new Uint8Array((message.length & ~7) + 8);
  padded.set(message);
  padded[padded.length - 1] = message.length & 255;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word: Word = [words.getInt32(at, true), words.getInt32(at + 4, true)];
    xor(v3, word);
    rounds(2, v0, v1, v2, v3);
    xor(v0, word);
  }
  v2[0] ^= 255;
  rounds(4, v0, v1, v2, v3);
  return { low: (v0[0] ^ v1[0] ^ v2[0] ^ v3[0]) >>> 0, high: (v0[1] ^ v1[1] ^ v2[1] ^ v3[1]) >>> 0 };
}

/** A 64-bit word as [low, high] signed 32-bit halves. */
type Word = [number, number];

function rounds(count: number, v0: Word, v1: Word, v2: Word, v3: Word): void {
  for (let round = 0; round < count; round++) {
    add(v0, v1);
    rotateLeft(v1, 13);
    xor(v1, v0);
    swapHalves(v0);
    add(v2, v3);
    rotateLeft(v3, 16);
    xor(v3, v2);
    add(v0, v3);
    rotateLeft(v3, 21);
    xor(v3, v0);
    add(v2, v1);
    rotateLeft(v1, 17);
    xor(v1, v2);
    swapHalves(v2);
  }
}

function add(a: Word, b: Word): void {
  const low = (a[0] >>> 0) + (b[0] >>> 0);
  a[1] = (a[1] + b[1] + (low > 0xffffffff ? 1 : 0)) | 0;
  a[0] = low | 0;
}

function xor(a: Word, b: Word): void {
  a[0] ^= b[0];
  a[1] ^= b[1];
}

/** By 1 to 31 bits. */
function rotateLeft(a: Word, bits: number): void {
  const [low, high] = a;
  a[0] = (low << bits) | (high >>> (32 - bits));
  a[1] = (high << bits) | (low >>> (32 - bits));
}

/** Rotation by 32 bits. */
function swapHalves(a: Word): void {
  const [low, high] = a;
  a[0] = high;
  a[1] = low;
}
