/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * Counter words: (block low, block high, kind, 0); element i of a kind lies in block i / 4, lane i mod 4.
 */

// Distinct kinds draw from distinct counters, so one key may serve several kinds without correlation.
const UNIFORM: u32 = 0;
const NORMAL: u32 = 1;
const BERNOULLI: u32 = 2;

let word0: u32 = 0;
let word1: u32 = 0;
let word2: u32 = 0;
let word3: u32 = 0;

function philox(block: u64, kind: u32, keyLow: u32, keyHigh: u32): void {
  let c0 = <u32>block;
  let c1 = <u32>(block >> 32);
  let c2 = kind;
  let c3: u32 = 0;
  for (let round = 0; round < 10; round++) {
    const product0 = <u64>0xd2511f53 * <u64>c0;
    const product1 = <u64>0xcd9e8d57 * <u64>c2;
    c0 = (<u32>(product1 >> 32)) ^ c1 ^ keyLow;
    c1 = <u32>product1;
    c2 = (<u32>(product0 >> 32)) ^ c3 ^ keyHigh;
    c3 = <u32>product0;
    keyLow += 0x9e3779b9;
    keyHigh += 0xbb67ae85;
  }
  word0 = c0;
  word1 = c1;
  word2 = c2;
  word3 = c3;
}

function lane(index: u64): u32 {
  const i = (<u32>index) & 3;
  return i < 2 ? (i == 0 ? word0 : word1) : i == 2 ? word2 : word3;
}

/** low + (high - low) * u in float64, rounded to float32; u = the word's upper 24 bits / 2^24. */
export function fillUniform(
  pointer: usize,
  n: usize,
  keyLow: u32,
  keyHigh: u32,
  offset: f64,
  low: f64,
  high: f64,
): void {
  const width = high - low;
  let index = <u64>offset;
  for (let i: usize = 0; i < n; i++, index++) {
    if (i == 0 || (index & 3) == 0) philox(index >> 2, UNIFORM, keyLow, keyHigh);
    const u = <f64>(lane(index) >> 8) * 5.9604644775390625e-8;
    store<f32>(pointer + (i << 2), <f32>(low + width * u));
  }
}

/**
 * Box and Muller: words (0, 1) give lanes (0, 1) and words (2, 3) lanes (2, 3): r = sqrt(-2 log((a + 1) / 2^32)),
 * angle = 2 pi b / 2^32, even lane r*cos(angle), odd lane r*sin(angle); mean + std * that, rounded to float32.
 */
export function fillNormal(
  pointer: usize,
  n: usize,
  keyLow: u32,
  keyHigh: u32,
  offset: f64,
  mean: f64,
  std: f64,
): void {
  let index = <u64>offset;
  let radius: f64 = 0;
  let angle: f64 = 0;
  for (let i: usize = 0; i < n; i++, index++) {
    if (i == 0 || (index & 3) == 0) philox(index >> 2, NORMAL, keyLow, keyHigh);
    if (i == 0 || (index & 1) == 0) {
      const first = (index & 2) == 0;
      radius = sqrt<f64>(-2 * Math.log((<f64>(first ? word0 : word2) + 1) * 2.3283064365386963e-10));
      angle = <f64>(first ? word1 : word3) * 1.4629180792671596e-9;
    }
    const z = radius * ((index & 1) == 0 ? Math.cos(angle) : Math.sin(angle));
    store<f32>(pointer + (i << 2), <f32>(mean + std * z));
  }
}

/** `scale` where the word is below keep * 2^32 (rounded down), else zero. */
export function fillBernoulliMask(
  pointer: usize,
  n: usize,
  keyLow: u32,
  keyHigh: u32,
  offset: f64,
  keep: f64,
  scale: f32,
): void {
  const limit = <u64>(keep * 4294967296);
  let index = <u64>offset;
  for (let i: usize = 0; i < n; i++, index++) {
    if (i == 0 || (index & 3) == 0) philox(index >> 2, BERNOULLI, keyLow, keyHigh);
    store<f32>(pointer + (i << 2), <u64>lane(index) < limit ? scale : 0);
  }
}
