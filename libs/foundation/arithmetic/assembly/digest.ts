/**
 * XXH64 with seed 0 (Yann Collet, "XXH64 algorithm description", xxHash 0.8): one digest at a time, fed in pieces.
 * It notices accidents and wrong bits, not a forger: SHA-256 over these digests is what the ledger chains.
 */

const PRIME1: u64 = 0x9e3779b185ebca87;
const PRIME2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME3: u64 = 0x165667b19e3779f9;
const PRIME4: u64 = 0x85ebca77c2b2ae63;
const PRIME5: u64 = 0x27d4eb2f165667c5;

let lane1: u64 = 0;
let lane2: u64 = 0;
let lane3: u64 = 0;
let lane4: u64 = 0;
let totalBytes: u64 = 0;
/** Bytes of a stripe of 32 that is not whole yet. */
const partial: usize = memory.data(32, 8);
let partialBytes: usize = 0;
/** Static, so that a digest never grows the memory under a view that its caller holds. */
const window: usize = memory.data(8192, 8);

/** Where the host puts bytes of its own, up to 8,192 at a time, to be fed. */
export function digestWindow(): usize {
  return window;
}

export function digestStart(): void {
  lane1 = PRIME1 + PRIME2;
  lane2 = PRIME2;
  lane3 = 0;
  lane4 = 0 - PRIME1;
  totalBytes = 0;
  partialBytes = 0;
}

export function digestFeed(pointer: usize, bytes: usize): void {
  totalBytes += <u64>bytes;
  let at = pointer;
  const end = pointer + bytes;
  if (partialBytes > 0) {
    const taken = min<usize>(32 - partialBytes, bytes);
    memory.copy(partial + partialBytes, at, taken);
    partialBytes += taken;
    at += taken;
    if (partialBytes < 32) return;
    stripes(partial, partial + 32);
    partialBytes = 0;
  }
  const whole = at + ((end - at) & ~(<usize>31));
  stripes(at, whole);
  partialBytes = end - whole;
  memory.copy(partial, whole, partialBytes);
}

export function digestEnd(): u64 {
  let hash: u64;
  if (totalBytes >= 32) {
    hash = rotl<u64>(lane1, 1) + rotl<u64>(lane2, 7) + rotl<u64>(lane3, 12) + rotl<u64>(lane4, 18);
    hash = merge(merge(merge(merge(hash, lane1), lane2), lane3), lane4);
  } else {
    hash = PRIME5;
  }
  hash += totalBytes;
  let at = partial;
  const end = partial + partialBytes;
  for (; at + 8 <= end; at += 8) hash = rotl<u64>(hash ^ round(0, load<u64>(at)), 27) * PRIME1 + PRIME4;
  if (at + 4 <= end) {
    hash = rotl<u64>(hash ^ (<u64>load<u32>(at) * PRIME1), 23) * PRIME2 + PRIME3;
    at += 4;
  }
  for (; at < end; at++) hash = rotl<u64>(hash ^ (<u64>load<u8>(at) * PRIME5), 11) * PRIME1;
  hash = (hash ^ (hash >> 33)) * PRIME2;
  hash = (hash ^ (hash >> 29)) * PRIME3;
  return hash ^ (hash >> 32);
}

/** Locals in the loop: globals would be stored at every stripe. */
function stripes(from: usize, end: usize): void {
  let first = lane1;
  let second = lane2;
  let third = lane3;
  let fourth = lane4;
  for (let at = from; at < end; at += 32) {
    first = round(first, load<u64>(at));
    second = round(second, load<u64>(at, 8));
    third = round(third, load<u64>(at, 16));
    fourth = round(fourth, load<u64>(at, 24));
  }
  lane1 = first;
  lane2 = second;
  lane3 = third;
  lane4 = fourth;
}

function round(lane: u64, word: u64): u64 {
  return rotl<u64>(lane + word * PRIME2, 31) * PRIME1;
}

function merge(hash: u64, lane: u64): u64 {
  return (hash ^ round(0, lane)) * PRIME1 + PRIME4;
}
