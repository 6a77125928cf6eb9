/**
 * XXH3 of 64 bits with seed 0 (Yann Collet, "xxHash fast digest algorithm", section XXH3, xxHash 0.8): one digest at a
 * time, fed in pieces; what is known of it between two of them lies in one place, which a host may keep and bring back.
 * It notices accidents and wrong bits, not a forger: SHA-256 over these digests is what the ledger
 * chains.
 */

const PRIME32_1: u64 = 0x9e3779b1;
const PRIME32_2: u64 = 0x85ebca77;
const PRIME32_3: u64 = 0xc2b2ae3d;
const PRIME64_1: u64 = 0x9e3779b185ebca87;
const PRIME64_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME64_3: u64 = 0x165667b19e3779f9;
const PRIME64_4: u64 = 0x85ebca77c2b2ae63;
const PRIME64_5: u64 = 0x27d4eb2f165667c5;
const MIX1: u64 = 0x165667919e3779f9;
const MIX2: u64 = 0x9fb21c651e98df25;

const stripeBytes: usize = 64;
const blockStripes: usize = 16;
const heldBytes: usize = 256;
const secretBytes: usize = 192;
// prettier-ignore
const secret: usize = memory.data<u8>([
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
]);

/** All that is known of a digest between two pieces. */
const stateBytes: usize = 64 + 256 + 3 * 8;
const state: usize = memory.data(344, 16);
/** Eight sums of 64 bits. */
const lanes: usize = state;
/** What is not in the lanes yet; at its end, the last stripe that is. */
const tail: usize = state + 64;
/** Numbers, as the host keeps them: of a block, how many stripes are in the lanes; bytes in the tail; bytes in all. */
const numbers: usize = state + 64 + 256;
let blockFilled: usize = 0;
let held: usize = 0;
let totalBytes: usize = 0;
/** Where the last stripe is put together. */
const lastStripe: usize = memory.data(64, 16);
/** Static, so that a digest never grows the memory under a view that its caller holds. */
const window: usize = memory.data(8192, 8);

/** Where the host puts bytes of its own, up to 8,192 at a time, to be fed. */
export function digestWindow(): usize {
  return window;
}

/** How many bytes a state has. */
export function digestStateBytes(): usize {
  return stateBytes;
}

/** The state, whole, for the host to keep. @returns where it lies */
export function digestState(): usize {
  store<u64>(numbers, <u64>blockFilled);
  store<u64>(numbers, <u64>held, 8);
  store<u64>(numbers, <u64>totalBytes, 16);
  return state;
}

/** A state that the host kept lies where `digestState` said: it goes on from there. */
export function digestResume(): void {
  blockFilled = <usize>load<u64>(numbers);
  held = <usize>load<u64>(numbers, 8);
  totalBytes = <usize>load<u64>(numbers, 16);
}

export function digestStart(): void {
  store<u64>(lanes, PRIME32_3);
  store<u64>(lanes, PRIME64_1, 8);
  store<u64>(lanes, PRIME64_2, 16);
  store<u64>(lanes, PRIME64_3, 24);
  store<u64>(lanes, PRIME64_4, 32);
  store<u64>(lanes, PRIME32_2, 40);
  store<u64>(lanes, PRIME64_5, 48);
  store<u64>(lanes, PRIME32_1, 56);
  blockFilled = 0;
  held = 0;
  totalBytes = 0;
}

export function digestFeed(pointer: usize, bytes: usize): void {
  totalBytes += bytes;
  if (held + bytes <= heldBytes) {
    memory.copy(tail + held, pointer, bytes);
    held += bytes;
    return;
  }
  let at = pointer;
  let left = bytes;
  if (held > 0) {
    const taken = heldBytes - held;
    memory.copy(tail + held, at, taken);
    at += taken;
    left -= taken;
    stripes(tail, heldBytes / stripeBytes);
  }
  // The last byte stays: the last stripe is summed otherwise.
  if (left > stripeBytes) {
    const whole = (left - 1) / stripeBytes;
    stripes(at, whole);
    at += whole * stripeBytes;
    left -= whole * stripeBytes;
    memory.copy(tail + heldBytes - stripeBytes, at - stripeBytes, stripeBytes);
  }
  memory.copy(tail, at, left);
  held = left;
}

export function digestEnd(): u64 {
  const n = totalBytes;
  if (n <= 16) return endOfFew(n);
  let sum = <u64>n * PRIME64_1;
  if (n <= 128) {
    for (let pair = <isize>((n - 1) / 32); pair >= 0; pair--) {
      sum += mixed(tail + 16 * pair, 32 * pair) + mixed(tail + n - 16 * (pair + 1), 32 * pair + 16);
    }
    return avalanche(sum);
  }
  if (n <= 240) {
    for (let i: usize = 0; i < 8; i++) sum += mixed(tail + 16 * i, 16 * i);
    sum = avalanche(sum);
    for (let i: usize = 8; i < n / 16; i++) sum += mixed(tail + 16 * i, 16 * (i - 8) + 3);
    return avalanche(sum + mixed(tail + n - 16, 136 - 17));
  }
  let last = lastStripe;
  if (held >= stripeBytes) {
    stripes(tail, (held - 1) / stripeBytes);
    last = tail + held - stripeBytes;
  } else {
    memory.copy(last, tail + heldBytes - (stripeBytes - held), stripeBytes - held);
    memory.copy(last + stripeBytes - held, tail, held);
  }
  accumulateAll(last, 1, secret + secretBytes - stripeBytes - 7);
  for (let i: usize = 0; i < 4; i++) {
    const key = secret + 11 + 16 * i;
    const pair = lanes + 16 * i;
    sum += product(load<u64>(pair) ^ load<u64>(key), load<u64>(pair, 8) ^ load<u64>(key, 8));
  }
  return avalanche(sum);
}

/** Whole stripes, and a turn of the lanes after each block of them. */
function stripes(from: usize, count: usize): void {
  let at = from;
  let left = count;
  while (left > 0) {
    const now = min(blockStripes - blockFilled, left);
    left -= now;
    at = accumulateAll(at, now, secret + 8 * blockFilled);
    blockFilled += now;
    if (blockFilled < blockStripes) return;
    blockFilled = 0;
    for (let i: usize = 0; i < stripeBytes; i += 8) {
      const lane = load<u64>(lanes + i);
      store<u64>(
        lanes + i,
        (lane ^ (lane >> 47) ^ load<u64>(secret + secretBytes - stripeBytes + i)) * PRIME32_1,
      );
    }
  }
}

/** Locals in the loop: memory would be written at every stripe. @returns where the next stripe begins */
function accumulateAll(from: usize, count: usize, firstKey: usize): usize {
  let first = v128.load(lanes);
  let second = v128.load(lanes, 16);
  let third = v128.load(lanes, 32);
  let fourth = v128.load(lanes, 48);
  let at = from;
  let key = firstKey;
  for (const end = from + count * stripeBytes; at < end; at += stripeBytes, key += 8) {
    first = summed(first, v128.load(at), v128.load(key));
    second = summed(second, v128.load(at, 16), v128.load(key, 16));
    third = summed(third, v128.load(at, 32), v128.load(key, 32));
    fourth = summed(fourth, v128.load(at, 48), v128.load(key, 48));
  }
  v128.store(lanes, first);
  v128.store(lanes, second, 16);
  v128.store(lanes, third, 32);
  v128.store(lanes, fourth, 48);
  return at;
}

/** Each lane plus the other one's word, plus the product of its own keyed word's halves. */
function summed(sum: v128, word: v128, key: v128): v128 {
  const keyed = v128.xor(word, key);
  const low = v128.shuffle<u32>(keyed, keyed, 0, 2, 0, 2);
  const high = v128.shuffle<u32>(keyed, keyed, 1, 3, 1, 3);
  return i64x2.add(i64x2.add(sum, v128.shuffle<u64>(word, word, 1, 0)), i64x2.extmul_low_i32x4_u(low, high));
}

function endOfFew(n: usize): u64 {
  if (n > 8) {
    const low = load<u64>(tail) ^ keyOf(24);
    const high = load<u64>(tail + n - 8) ^ keyOf(40);
    return avalanche(<u64>n + bswap<u64>(low) + high + product(low, high));
  }
  if (n >= 4) {
    let x = (<u64>load<u32>(tail + n - 4) + ((<u64>load<u32>(tail)) << 32)) ^ keyOf(8);
    x = (x ^ rotl<u64>(x, 49) ^ rotl<u64>(x, 24)) * MIX2;
    x = (x ^ ((x >> 35) + <u64>n)) * MIX2;
    return x ^ (x >> 28);
  }
  if (n == 0) return olderAvalanche(keyOf(56));
  const x =
    ((<u32>load<u8>(tail)) << 16) |
    ((<u32>load<u8>(tail + (n >> 1))) << 24) |
    (<u32>load<u8>(tail + n - 1)) |
    ((<u32>n) << 8);
  return olderAvalanche(<u64>(x ^ load<u32>(secret) ^ load<u32>(secret, 4)));
}

function keyOf(first: usize): u64 {
  return load<u64>(secret + first) ^ load<u64>(secret + first, 8);
}

function mixed(at: usize, key: usize): u64 {
  return product(load<u64>(at) ^ load<u64>(secret + key), load<u64>(at, 8) ^ load<u64>(secret + key, 8));
}

/** Both halves of the product of 128 bits, one upon the other. */
function product(a: u64, b: u64): u64 {
  const half: u64 = 0xffffffff;
  const low = (a & half) * (b & half);
  const first = (a >> 32) * (b & half);
  const second = (a & half) * (b >> 32);
  const middle = (low >> 32) + (first & half) + second;
  const high = (first >> 32) + (middle >> 32) + (a >> 32) * (b >> 32);
  return ((middle << 32) | (low & half)) ^ high;
}

function avalanche(x: u64): u64 {
  const mixedOnce = (x ^ (x >> 37)) * MIX1;
  return mixedOnce ^ (mixedOnce >> 32);
}

/** That of XXH64. */
function olderAvalanche(x: u64): u64 {
  const once = (x ^ (x >> 33)) * PRIME64_2;
  const twice = (once ^ (once >> 29)) * PRIME64_3;
  return twice ^ (twice >> 32);
}
