/**
 * Where payloads of so many bytes each are cut into portions of at most `most` bytes, or of one payload: from, and to
 * before. There is one portion at least.
 */
export function portionsOf(
  bytes: readonly number[],
  most = Infinity,
): (readonly [from: number, to: number])[] {
  const portions: [number, number][] = [];
  let from = 0;
  let sum = 0;
  for (const [at, own] of bytes.entries()) {
    if (sum > 0 && sum + own > most) {
      portions.push([from, at]);
      from = at;
      sum = 0;
    }
    sum += own;
  }
  return [...portions, [from, bytes.length]];
}

/** What a push of `count` payloads from `from` on says of itself, of a contribution of `of`: nothing where it is whole. */
export function portionField(
  from: number,
  count: number,
  of: number,
): { readonly portion?: { readonly from: number; readonly of: number } } {
  return count === of ? {} : { portion: { from, of } };
}
