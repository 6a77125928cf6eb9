import { flush, load4, store4 } from "./lanes";

// Codecs of float32 vectors (docs/arithmetic.md, "Codecs"). Inputs are flushed first. What is finite stays finite, what
// is not stays so: whoever looks for NaN and infinity finds them after a codec as before it.

const BF16: i32 = 0;
const FP16: i32 = 1;

/** Numbers that share a scale in int8, and the bytes that they take: the scale, then a byte each. */
const BLOCK: usize = 256;
const BLOCK_BYTES: usize = BLOCK + 4;

/** dst = the encoded numbers. */
export function encode(codec: i32, dst: usize, src: usize, n: usize): void {
  if (codec == BF16 || codec == FP16) encodeHalves(codec == BF16, dst, src, n);
  else
    for (let i: usize = 0; i < n; i += BLOCK, dst += BLOCK_BYTES)
      encodeBlock(dst, src + (i << 2), min<usize>(BLOCK, n - i));
}

/** dst = n numbers, from their encoding. */
export function decode(codec: i32, dst: usize, src: usize, n: usize): void {
  if (codec == BF16 || codec == FP16) decodeHalves(codec == BF16, dst, src, n);
  else
    for (let i: usize = 0; i < n; i += BLOCK, src += BLOCK_BYTES)
      decodeBlock(dst + (i << 2), src, min<usize>(BLOCK, n - i));
}

/** dst = what decoding the encoded numbers gives. */
export function roundTo(codec: i32, dst: usize, src: usize, n: usize): void {
  if (codec == BF16 || codec == FP16) roundHalves(codec == BF16, dst, src, n);
  else
    for (let i: usize = 0; i < n; i += BLOCK)
      roundBlock(dst + (i << 2), src + (i << 2), min<usize>(BLOCK, n - i));
}

// --- bf16, fp16: to nearest, ties to even ----------------------------------------------------------------------------

function encodeHalves(brain: bool, dst: usize, src: usize, n: usize): void {
  for (let i: usize = 0; i < n; i += 4) {
    const left = n - i;
    const lanes = load4(src + (i << 2), left);
    const halves = brain ? toBrain(lanes) : toHalf(lanes);
    const at = dst + (i << 1);
    const packed = i16x8.narrow_i32x4_u(halves, halves);
    if (left >= 4) {
      v128.store64_lane(at, packed, 0);
      continue;
    }
    v128.store16_lane(at, packed, 0);
    if (left > 1) v128.store16_lane(at + 2, packed, 1);
    if (left > 2) v128.store16_lane(at + 4, packed, 2);
  }
}

function decodeHalves(brain: bool, dst: usize, src: usize, n: usize): void {
  const whole = n & ~3;
  for (let i: usize = 0; i < whole; i += 4) {
    const halves = v128.load_ext<u16>(src + (i << 1));
    v128.store(dst + (i << 2), brain ? fromBrain(halves) : fromHalf(halves));
  }
  for (let i = whole; i < n; i++) {
    const half = i32x4.splat(load<u16>(src + (i << 1)));
    v128.store32_lane(dst + (i << 2), brain ? fromBrain(half) : fromHalf(half), 0);
  }
}

function roundHalves(brain: bool, dst: usize, src: usize, n: usize): void {
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    const lanes = load4(src + at, left);
    const rounded = brain ? fromBrain(toBrain(lanes)) : fromHalf(toHalf(lanes));
    store4(dst + at, rounded, left);
  }
}

/** The upper half of float32; 16 bits in each lane. */
function toBrain(lanes: v128): v128 {
  const bits = flush(lanes);
  const size = v128.and(bits, i32x4.splat(0x7fffffff));
  const odd = v128.and(i32x4.shr_u(size, 16), i32x4.splat(1));
  const nearest = i32x4.shr_u(i32x4.add(i32x4.add(size, i32x4.splat(0x7fff)), odd), 16);
  const finite = i32x4.min_u(nearest, i32x4.splat(0x7f7f));
  return withOdd(bits, size, finite, 0x7f80, 0x7fc0);
}

function fromBrain(halves: v128): v128 {
  return i32x4.shl(halves, 16);
}

/** IEEE 754 binary16, with its denormals. */
function toHalf(lanes: v128): v128 {
  const bits = flush(lanes);
  const size = v128.and(bits, i32x4.splat(0x7fffffff));
  const odd = v128.and(i32x4.shr_u(size, 13), i32x4.splat(1));
  // The exponent's bias goes from 127 to 15.
  const nearest = i32x4.shr_u(i32x4.add(i32x4.add(size, i32x4.splat(0xfff - (112 << 23))), odd), 13);
  const normal = i32x4.min_u(nearest, i32x4.splat(0x7bff));
  // Below 2^-14: added to 0.5, whose last place is 2^-24, the sum's rounding is the one that is wanted.
  const half = f32x4.splat(0.5);
  const denormal = i32x4.sub(f32x4.add(size, half), half);
  const isDenormal = i32x4.lt_s(size, i32x4.splat(113 << 23));
  return withOdd(bits, size, v128.bitselect(denormal, normal, isDenormal), 0x7c00, 0x7e00);
}

function fromHalf(halves: v128): v128 {
  const size = i32x4.shl(v128.and(halves, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
  const exponent = v128.and(size, i32x4.splat(0x7c00 << 13));
  const normal = i32x4.add(size, i32x4.splat(112 << 23));
  const denormal = f32x4.sub(
    i32x4.add(size, i32x4.splat(113 << 23)),
    f32x4.splat(reinterpret<f32>(113 << 23)),
  );
  const odd = i32x4.add(normal, i32x4.splat(112 << 23));
  const isDenormal = i32x4.eq(exponent, i32x4.splat(0));
  const isOdd = i32x4.eq(exponent, i32x4.splat(0x7c00 << 13));
  return v128.or(sign, v128.bitselect(odd, v128.bitselect(denormal, normal, isDenormal), isOdd));
}

/** Puts infinity and NaN in, and the sign. */
function withOdd(bits: v128, size: v128, finite: v128, infinity: i32, nan: i32): v128 {
  const limit = i32x4.splat(0x7f800000);
  const isNan = i32x4.gt_s(size, limit);
  const odd = v128.bitselect(i32x4.splat(nan), i32x4.splat(infinity), isNan);
  const isOdd = i32x4.ge_s(size, limit);
  const sign = v128.and(i32x4.shr_u(bits, 16), i32x4.splat(0x8000));
  return v128.or(v128.bitselect(odd, finite, isOdd), sign);
}

// --- int8 ------------------------------------------------------------------------------------------------------------

/** Of the block that was looked at last. */
let scale: f32 = 0;
let inverse: f32 = 0;

/**
 * Its largest number over 127, of 16 significant bits, so that every multiple that a byte can say is exact: what was
 * decoded encodes to the same bytes. Zero where it would be denormal, NaN where a number is not finite.
 */
function measure(src: usize, n: usize): void {
  let most = i32x4.splat(0);
  for (let i: usize = 0; i < n; i += 4) {
    const size = v128.and(flush(load4(src + (i << 2), n - i)), i32x4.splat(0x7fffffff));
    most = i32x4.max_s(most, size);
  }
  most = i32x4.max_s(most, i64x2.shuffle(most, most, 1, 0));
  const bits = max<i32>(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1));
  if (bits >= 0x7f800000) {
    scale = reinterpret<f32>(0x7fc00000);
    inverse = 0;
    return;
  }
  const cut = reinterpret<i32>(reinterpret<f32>(bits) / <f32>127) & 0xffffff00;
  const isZero = cut < 0x00800000;
  scale = isZero ? <f32>0 : reinterpret<f32>(cut);
  inverse = isZero ? <f32>0 : <f32>1 / scale;
}

/** Whole numbers from −127 to 127; 0 where a number is not finite. */
function steps(lanes: v128, inverses: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(flush(lanes), inverses)));
}

function encodeBlock(dst: usize, src: usize, n: usize): void {
  measure(src, n);
  store<f32>(dst, scale);
  const inverses = f32x4.splat(inverse);
  const to = dst + 4;
  const whole = n & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    const at = src + (i << 2);
    const low = i16x8.narrow_i32x4_s(steps(v128.load(at), inverses), steps(v128.load(at, 16), inverses));
    const high = i16x8.narrow_i32x4_s(steps(v128.load(at, 32), inverses), steps(v128.load(at, 48), inverses));
    v128.store(to + i, i8x16.narrow_i16x8_s(low, high));
  }
  for (let i = whole; i < n; i++)
    store<i8>(to + i, <i8>i32x4.extract_lane(steps(v128.load32_zero(src + (i << 2)), inverses), 0));
}

function decodeBlock(dst: usize, src: usize, n: usize): void {
  const scales = flush(f32x4.splat(load<f32>(src)));
  const from = src + 4;
  const whole = n & ~7;
  for (let i: usize = 0; i < whole; i += 8) {
    const numbers = v128.load_ext<i8>(from + i);
    const at = dst + (i << 2);
    v128.store(at, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(numbers)), scales));
    v128.store(at, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(numbers)), scales), 16);
  }
  for (let i = whole; i < n; i++)
    store<f32>(dst + (i << 2), <f32>load<i8>(from + i) * f32x4.extract_lane(scales, 0));
}

function roundBlock(dst: usize, src: usize, n: usize): void {
  measure(src, n);
  const inverses = f32x4.splat(inverse);
  const scales = f32x4.splat(scale);
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    const rounded = f32x4.mul(f32x4.convert_i32x4_s(steps(load4(src + at, left), inverses)), scales);
    store4(dst + at, rounded, left);
  }
}
