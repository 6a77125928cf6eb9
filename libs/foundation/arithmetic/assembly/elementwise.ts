import { flush, load4, store4 } from "./lanes";

// In every kernel the loads of a group of four lanes come before its store, so `dst` may equal a source.

/** dst = a + b, each input and each result flushed: what a device adder with FTZ and DAZ on computes. */
export function add(dst: usize, a: usize, b: usize, n: usize): void {
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    const sum = f32x4.add(flush(load4(a + at, left)), flush(load4(b + at, left)));
    store4(dst + at, flush(sum), left);
  }
}

/** dst = w * src, flushed before and after. */
export function scaleInto(dst: usize, src: usize, w: f32, n: usize): void {
  const weight = f32x4.splat(w);
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    store4(dst + at, flush(f32x4.mul(weight, flush(load4(src + at, left)))), left);
  }
}

/** dst = dst + w * src: the product rounded to float32, then the sum (no fused multiply-add), flushed likewise. */
export function accumulate(dst: usize, src: usize, w: f32, n: usize): void {
  const weight = f32x4.splat(w);
  for (let i: usize = 0; i < n; i += 4) {
    const at = i << 2;
    const left = n - i;
    const product = flush(f32x4.mul(weight, flush(load4(src + at, left))));
    store4(dst + at, flush(f32x4.add(flush(load4(dst + at, left)), product)), left);
  }
}

/** Every element becomes `value`. */
export function fill(dst: usize, value: f32, n: usize): void {
  const lanes = f32x4.splat(value);
  for (let i: usize = 0; i < n; i += 4) store4(dst + (i << 2), lanes, n - i);
}
