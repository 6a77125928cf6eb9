import type { Arithmetic } from "./arithmetic.ts";
import { encodedBytes } from "./codec.ts";
import { largestBlockNumbers, largestBytes } from "./largest.ts";

/**
 * Ways to write a vector of which something is left behind, for whoever encodes to add to what comes next (error
 * feedback). A part of whole blocks has the bytes that it has in the whole.
 */
export type FeedbackCodec =
  /** Float32: nothing is left. */
  | { readonly kind: "whole" }
  | { readonly kind: "int8" }
  /** The largest numbers of each block; `kept` of a whole one. */
  | { readonly kind: "topk"; readonly kept: number };

/** Bytes of n encoded numbers. */
export function feedbackBytes(codec: FeedbackCodec, n: number): number {
  if (codec.kind === "topk") return largestBytes(n, codec.kept);
  return codec.kind === "int8" ? encodedBytes("int8", n) : 4 * n;
}

/** At least as many as any of them makes of n numbers. */
export function mostFeedbackBytes(n: number): number {
  return 5 * n;
}

export interface FeedbackKernels {
  /** dst = the encoded numbers; src = what is left of it without what was encoded. */
  take(codec: FeedbackCodec, dst: number, src: number, n: number): void;
  /** dst += the encoded numbers. */
  add(codec: FeedbackCodec, dst: number, src: number, n: number): void;
}

const made = new WeakMap<Arithmetic, FeedbackKernels>();

/** The same for the same arithmetic: they take some of its memory, once. */
export function feedbackKernels(arithmetic: Arithmetic): FeedbackKernels {
  let kernels = made.get(arithmetic);
  if (!kernels) made.set(arithmetic, (kernels = createKernels(arithmetic)));
  return kernels;
}

function createKernels(arithmetic: Arithmetic): FeedbackKernels {
  const room = arithmetic.allocate(largestBlockNumbers * 4);
  const inBlocks = (n: number, block: (from: number, count: number) => void): void => {
    for (let from = 0; from < n; from += largestBlockNumbers)
      block(from, Math.min(largestBlockNumbers, n - from));
  };
  return {
    take(codec, dst, src, n) {
      if (codec.kind === "topk") arithmetic.takeLargest(dst, src, n, codec.kept);
      else if (codec.kind === "whole") {
        arithmetic.u8(dst, 4 * n).set(arithmetic.u8(src, 4 * n));
        arithmetic.fill(src, 0, n);
      } else {
        arithmetic.encode("int8", dst, src, n);
        inBlocks(n, (from, count) => {
          arithmetic.decode("int8", room, dst + encodedBytes("int8", from), count);
          // What is not finite shows in what is sent; nothing of it is carried on.
          if (arithmetic.allFinite(room, count)) arithmetic.accumulate(src + 4 * from, room, -1, count);
          else arithmetic.fill(src + 4 * from, 0, count);
        });
      }
    },
    add(codec, dst, src, n) {
      if (codec.kind === "topk") arithmetic.addLargest(dst, src, n, codec.kept);
      else if (codec.kind === "whole") arithmetic.add(dst, dst, src, n);
      else
        inBlocks(n, (from, count) => {
          arithmetic.decode("int8", room, src + encodedBytes("int8", from), count);
          arithmetic.add(dst + 4 * from, dst + 4 * from, room, count);
        });
    },
  };
}
