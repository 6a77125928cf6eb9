/** Float32 lanes: loads and stores that stop at the end of a block, and the rule for denormals. */

/** Loads up to four numbers; lanes past `left` are zero. */
export function load4(pointer: usize, left: usize): v128 {
  if (left >= 4) return v128.load(pointer);
  let lanes = v128.load32_zero(pointer);
  if (left > 1) lanes = v128.load32_lane(pointer + 4, lanes, 1);
  if (left > 2) lanes = v128.load32_lane(pointer + 8, lanes, 2);
  return lanes;
}

/** Stores up to four numbers; lanes past `left` are dropped. */
export function store4(pointer: usize, lanes: v128, left: usize): void {
  if (left >= 4) {
    v128.store(pointer, lanes);
    return;
  }
  v128.store32_lane(pointer, lanes, 0);
  if (left > 1) v128.store32_lane(pointer + 4, lanes, 1);
  if (left > 2) v128.store32_lane(pointer + 8, lanes, 2);
}

/** Denormals (exponent bits all zero) become zero of the same sign; all else, NaN included, is unchanged. */
export function flush(lanes: v128): v128 {
  const tiny = i32x4.eq(v128.and(lanes, i32x4.splat(0x7f800000)), i32x4.splat(0));
  return v128.andnot(lanes, v128.and(tiny, i32x4.splat(0x7fffffff)));
}

/** The same rule for a single number. */
export function flush1(x: f32): f32 {
  const bits = reinterpret<i32>(x);
  return reinterpret<f32>((bits & 0x7f800000) != 0 ? bits : bits & 0x80000000);
}
