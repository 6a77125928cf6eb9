import type { Arithmetic } from "./arithmetic.ts";
import { largestBytes } from "./largest.ts";

/**
 * Codecs that leave most of a vector behind, for whoever encodes with them to add it to what comes next (error
 * feedback). Numbers come one by one, so a part of whole blocks has the bytes that it has in the whole.
 */
export interface FeedbackCodec {
  /** The largest numbers of each block. */
  readonly kind: "topk";
  /** Of a whole block. */
  readonly kept: number;
}

/** Bytes of n encoded numbers. */
export function feedbackBytes({ kept }: FeedbackCodec, n: number): number {
  return largestBytes(n, kept);
}

/** dst = the encoded numbers; src = what is left of it without what was encoded. */
export function takeFeedback(
  arithmetic: Pick<Arithmetic, "takeLargest">,
  { kept }: FeedbackCodec,
  dst: number,
  src: number,
  n: number,
): void {
  arithmetic.takeLargest(dst, src, n, kept);
}

/** dst += the encoded numbers. */
export function addFeedback(
  arithmetic: Pick<Arithmetic, "addLargest">,
  { kept }: FeedbackCodec,
  dst: number,
  src: number,
  n: number,
): void {
  arithmetic.addLargest(dst, src, n, kept);
}
