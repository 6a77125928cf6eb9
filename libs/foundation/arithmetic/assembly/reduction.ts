import { load4 } from "./lanes";

/**
 * Inner product of two float32 vectors in float64. A product of two float32 numbers is exact in float64, so only the
 * order of the additions matters: eight running sums, s_j taking the elements with i mod 8 = j in ascending order,
 * then ((s0+s2) + (s4+s6)) + ((s1+s3) + (s5+s7)).
 */
export function dot(a: usize, b: usize, n: usize): f64 {
  let sum01 = f64x2.splat(0);
  let sum23 = f64x2.splat(0);
  let sum45 = f64x2.splat(0);
  let sum67 = f64x2.splat(0);
  for (let i: usize = 0; i < n; i += 8) {
    const at = i << 2;
    const left = n - i;
    const x = load4(a + at, left);
    const y = load4(b + at, left);
    sum01 = f64x2.add(sum01, productLow(x, y));
    sum23 = f64x2.add(sum23, productLow(upper(x), upper(y)));
    if (left > 4) {
      const z = load4(a + at + 16, left - 4);
      const w = load4(b + at + 16, left - 4);
      sum45 = f64x2.add(sum45, productLow(z, w));
      sum67 = f64x2.add(sum67, productLow(upper(z), upper(w)));
    }
  }
  const total = f64x2.add(f64x2.add(sum01, sum23), f64x2.add(sum45, sum67));
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}

function productLow(x: v128, y: v128): v128 {
  return f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y));
}

function upper(x: v128): v128 {
  return i64x2.shuffle(x, x, 1, 1);
}

/** 1 when no element is NaN or infinite. */
export function allFinite(pointer: usize, n: usize): i32 {
  const exponent = i32x4.splat(0x7f800000);
  // Checked once per 4,096 numbers: early enough to be cheap on a bad block, seldom enough to stream a good one.
  for (let start: usize = 0; start < n; start += 4096) {
    const end = min<usize>(n, start + 4096);
    let bad = i32x4.splat(0);
    for (let i = start; i < end; i += 4) {
      const lanes = load4(pointer + (i << 2), end - i);
      bad = v128.or(bad, i32x4.eq(v128.and(lanes, exponent), exponent));
    }
    if (v128.any_true(bad)) return 0;
  }
  return 1;
}
