import { flush1 } from "./lanes";

// The largest numbers of each parameter block, and what they leave behind (docs/arithmetic.md, "Largest numbers").

/** Numbers that are chosen from at once, and share a scale. */
const BLOCK: usize = 16384;
/** Numbers whose places are told apart by a byte. */
const GROUP: usize = 256;
const GROUP_MOST: i32 = 255;

/** A number's size, as bits without the sign, is counted by its upper 12 bits first, then by 10 and by 9. */
const UPPER: i32 = 19;
const MIDDLE: i32 = 9;
const counts: usize = memory.data(4096 * 4, 8);
/** Places of numbers that may be among the largest, in order. */
const places: usize = memory.data(16384 * 2, 8);

/** Numbers that are kept of so many, where `kept` are of a whole block. */
function keptOf(n: usize, kept: usize): usize {
  return (kept * n + BLOCK - 1) / BLOCK;
}

function sizeAt(src: usize, place: usize): i32 {
  return reinterpret<i32>(flush1(load<f32>(src + (place << 2)))) & 0x7fffffff;
}

/** dst = the largest numbers of each block, encoded; src = what is left of it without them. */
export function takeLargest(dst: usize, src: usize, n: usize, kept: usize): void {
  for (let from: usize = 0; from < n; from += BLOCK) {
    const count = min<usize>(BLOCK, n - from);
    dst = takeBlock(dst, src + (from << 2), count, keptOf(count, kept));
  }
}

/** dst += the encoded numbers; whatever has none of them stays as it is. */
export function addLargest(dst: usize, src: usize, n: usize, kept: usize): void {
  for (let from: usize = 0; from < n; from += BLOCK) {
    const count = min<usize>(BLOCK, n - from);
    src = addBlock(dst + (from << 2), src, count, keptOf(count, kept));
  }
}

/** Size of the last number that is kept. */
let least: i32 = 0;
/** Numbers of just this size that are kept: the first ones. */
let ties: usize = 0;
/** Largest size. */
let most: i32 = 0;

/** @returns how many places there are to look at again */
function choose(src: usize, n: usize, k: usize): usize {
  memory.fill(counts, 0, 4096 * 4);
  most = 0;
  for (let i: usize = 0; i < n; i++) {
    const size = sizeAt(src, i);
    most = max<i32>(most, size);
    const at = counts + ((size >> UPPER) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let left = k;
  const upper = fall(4095, left);
  left -= above;
  let listed: usize = 0;
  for (let i: usize = 0; i < n; i++) {
    store<u16>(places + (listed << 1), <u16>i);
    listed += usize(sizeAt(src, i) >> UPPER >= upper);
  }
  memory.fill(counts, 0, 1024 * 4);
  for (let j: usize = 0; j < listed; j++) {
    const size = sizeAt(src, load<u16>(places + (j << 1)));
    if (size >> UPPER != upper) continue;
    const at = counts + (((size >> MIDDLE) & 1023) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  const middle = (upper << 10) | fall(1023, left);
  left -= above;
  memory.fill(counts, 0, 512 * 4);
  for (let j: usize = 0; j < listed; j++) {
    const size = sizeAt(src, load<u16>(places + (j << 1)));
    if (size >> MIDDLE != middle) continue;
    const at = counts + ((size & 511) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  least = (middle << MIDDLE) | fall(511, left);
  ties = left - above;
  return listed;
}

/** Counted in what lies over the one that `fall` came to. */
let above: usize = 0;

/** Down from the highest, to where as many as wanted are counted. */
function fall(from: i32, wanted: usize): i32 {
  above = 0;
  let at = from;
  for (; at > 0; at--) {
    const here = load<u32>(counts + (at << 2));
    if (above + here >= wanted) break;
    above += here;
  }
  return at;
}

function takeBlock(dst: usize, src: usize, n: usize, k: usize): usize {
  const listed = choose(src, n, k);
  const groups = (n + GROUP - 1) / GROUP;
  const lows = dst + 4 + groups;
  const values = lows + k;
  const end = values + k;
  memory.fill(dst, 0, end - dst);
  if (most >= 0x7f800000) {
    // Nothing that is not finite is carried on: it shows in what is sent.
    store<f32>(dst, reinterpret<f32>(0x7fc00000));
    store<u8>(dst + 4, 1);
    memory.fill(src, 0, n << 2);
    return end;
  }
  // As int8 has it: every multiple that a byte can say is exact.
  const cut = reinterpret<i32>(reinterpret<f32>(most) / <f32>127) & 0xffffff00;
  if (cut < 0x00800000) return end;
  const scale = reinterpret<f32>(cut);
  const inverse = <f32>1 / scale;
  store<f32>(dst, scale);
  let sent: usize = 0;
  for (let j: usize = 0; j < listed; j++) {
    const place = <usize>load<u16>(places + (j << 1));
    const size = sizeAt(src, place);
    if (size < least) continue;
    if (size == least) {
      if (ties == 0) continue;
      ties -= 1;
    }
    const counted = dst + 4 + place / GROUP;
    const before = <i32>load<u8>(counted);
    if (before == GROUP_MOST) continue;
    store<u8>(counted, <u8>(before + 1));
    const number = flush1(load<f32>(src + (place << 2)));
    const step = <i32>nearest<f32>(number * inverse);
    store<u8>(lows + sent, <u8>(place & 255));
    store<i8>(values + sent, <i8>step);
    store<f32>(src + (place << 2), flush1(number - <f32>step * scale));
    sent += 1;
  }
  return end;
}

function addBlock(dst: usize, src: usize, n: usize, k: usize): usize {
  const groups = (n + GROUP - 1) / GROUP;
  const lows = src + 4 + groups;
  const values = lows + k;
  const scale = flush1(load<f32>(src));
  let taken: usize = 0;
  for (let group: usize = 0; group < groups; group++) {
    // Whoever sends a count that is too high reads no foreign memory by it.
    const end = min<usize>(k, taken + load<u8>(src + 4 + group));
    for (; taken < end; taken++) {
      const place = group * GROUP + load<u8>(lows + taken);
      if (place >= n) continue;
      const at = dst + (place << 2);
      store<f32>(at, flush1(flush1(load<f32>(at)) + <f32>load<i8>(values + taken) * scale));
    }
  }
  return values + k;
}
