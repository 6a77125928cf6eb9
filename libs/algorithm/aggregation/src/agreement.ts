import type { Arithmetic, Codec } from "@latentweave/arithmetic";
import { codecChunk } from "./value-store.ts";

/**
 * How far rounded numbers point where exact ones do, for people: sums of squares and of products, which add up over
 * vectors. No weight depends on it.
 */
export interface Agreement {
  exact: number;
  rounded: number;
  product: number;
}

export const noAgreement = (): Agreement => ({ exact: 0, rounded: 0, product: 0 });

/** 1: the same direction. Undefined where one of the two is zero. */
export function cosineOf({ exact, rounded, product }: Agreement): number | undefined {
  const cosine = product / (Math.sqrt(exact) * Math.sqrt(rounded));
  return Number.isFinite(cosine) ? cosine : undefined;
}

/** It costs about as much as the rounding: it is measured in one step of so many. */
const everySteps = 16;

export function isMeasured(step: number): boolean {
  return step % everySteps === 0;
}

/** Adds the agreement of vectors that lie in the arithmetic's memory. */
export function addAgreement(
  arithmetic: Arithmetic,
  to: Agreement,
  exact: number,
  rounded: number,
  numbers: number,
): void {
  to.exact += arithmetic.sumSquares(exact, numbers);
  to.rounded += arithmetic.sumSquares(rounded, numbers);
  to.product += arithmetic.dot(exact, rounded, numbers);
}

/** Adds that of numbers with what the codec makes of them, wherever they lie. */
export function addRounding(
  arithmetic: Arithmetic,
  to: Agreement,
  codec: Codec,
  at: Uint8Array | number,
  numbers: number,
): void {
  const bytes = codecChunk * 4;
  const [exact, rounded] = [arithmetic.allocate(bytes), arithmetic.allocate(bytes)];
  for (let from = 0; from < numbers; from += codecChunk) {
    const count = Math.min(codecChunk, numbers - from);
    const source = typeof at === "number" ? at + from * 4 : exact;
    if (typeof at !== "number")
      arithmetic.u8(exact, count * 4).set(at.subarray(from * 4, (from + count) * 4));
    arithmetic.roundTo(codec, rounded, source, count);
    addAgreement(arithmetic, to, source, rounded, count);
  }
  arithmetic.free(exact, bytes);
  arithmetic.free(rounded, bytes);
}
