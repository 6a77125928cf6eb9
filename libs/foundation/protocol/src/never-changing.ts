import type { Crc32 } from "./crc32.ts";
import { combineCrc32 } from "./crc32-combine.ts";
import { sliceStarts } from "./slice-layout.ts";

/** Slices that go to many are joined up to here: beyond, one fragment for each costs next to nothing. */
const joinedBodyBytes = 1024 * 1024;

/** Checksums of slices that go into many frames and never change. */
const knownSums = new WeakMap<Uint8Array, number | undefined>();
/** Such slices that also go together, as they lie in a frame. */
const bodies = new WeakMap<readonly Uint8Array[], Uint8Array>();

/**
 * Says that these bytes never change from now on, so that their part of a frame's checksum is computed once, in
 * however many frames they go: weights go to every worker.
 * @returns the same bytes
 */
export function neverChanging(slice: Uint8Array): Uint8Array {
  if (!knownSums.has(slice)) knownSums.set(slice, undefined);
  return slice;
}

/**
 * Says that these slices, each `neverChanging`, go into many frames together: all frames that are given this very array
 * share its bytes as one piece. Too many bytes for that stay apart.
 * @returns the same array
 */
export function neverChangingTogether(slices: readonly Uint8Array[]): readonly Uint8Array[] {
  const { starts, end } = sliceStarts(
    0,
    slices.map(({ length }) => length),
  );
  if (slices.length < 2 || end > joinedBodyBytes || bodies.has(slices)) return slices;
  const body = new Uint8Array(end);
  slices.forEach((slice, i) => body.set(slice, starts[i]));
  bodies.set(slices, neverChanging(body));
  return slices;
}

/** The bytes of slices that are `neverChangingTogether`, as they lie in a frame. */
export function sharedBody(slices: readonly Uint8Array[]): Uint8Array | undefined {
  return bodies.get(slices);
}

/** The checksum that goes on from `before`; what never changes is summed once. */
export function checksumAfter(before: number, piece: Uint8Array, checksum: Crc32): number {
  if (!knownSums.has(piece)) return checksum(piece, before);
  let own = knownSums.get(piece);
  if (own === undefined) {
    own = checksum(piece);
    knownSums.set(piece, own);
  }
  return combineCrc32(before, own, piece.length);
}
