import { type Arithmetic, passNumbers } from "@latentweave/arithmetic";
import type { Slice } from "@latentweave/parameters";

/**
 * XXH3 of blocks of parameters as an update wrote them: made while they were in cache, in place of reading all of them
 * once more.
 */
export interface BlockDigests<S extends Slice> {
  /** Where an update is to write those of a slice's next version, in the arithmetic's memory: 8 bytes for each block. */
  coming(slice: S, version: number): number;
  /** Little-endian, 8 bytes for each block; undefined where that version was made in another way. */
  of(slice: S, version: number): Uint8Array | undefined;
  /** Numbers come from elsewhere. */
  forget(): void;
}

export function createBlockDigests<S extends Slice>(arithmetic: Arithmetic): BlockDigests<S> {
  const known = new Map<S, { readonly pointer: number; version: number | undefined }>();
  const bytesOf = ({ numbers }: S): number => Math.ceil(numbers / passNumbers) * 8;
  return {
    coming(slice, version) {
      let place = known.get(slice);
      if (!place)
        known.set(slice, (place = { pointer: arithmetic.allocate(bytesOf(slice)), version: undefined }));
      place.version = version;
      return place.pointer;
    },
    of(slice, version) {
      const place = known.get(slice);
      return place?.version === version ? arithmetic.u8(place.pointer, bytesOf(slice)) : undefined;
    },
    forget() {
      for (const place of known.values()) place.version = undefined;
    },
  };
}
