/** Slices start at multiples of this, a cache line, so that SIMD code may read them in place. */
export const sliceAlignmentBytes = 64;

export function aligned(offset: number): number {
  return Math.ceil(offset / sliceAlignmentBytes) * sliceAlignmentBytes;
}

/** Where slices of these lengths lie when the first may begin at `from`, and where the last one ends. */
export function sliceStarts(from: number, lengths: readonly number[]): { starts: number[]; end: number } {
  let end = from;
  const starts = lengths.map((length) => {
    const start = aligned(end);
    end = start + length;
    return start;
  });
  return { starts, end };
}

/** The slices themselves, with zero bytes between them where alignment needs some. */
export function spaced(slices: readonly Uint8Array[], starts: readonly number[], from: number): Uint8Array[] {
  let offset = from;
  return slices.flatMap((slice, i) => {
    const start = starts[i] ?? offset;
    const gap = start - offset;
    offset = start + slice.length;
    return [...(gap > 0 ? [new Uint8Array(gap)] : []), ...(slice.length > 0 ? [slice] : [])];
  });
}
