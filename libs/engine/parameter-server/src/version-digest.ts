import { createHash } from "node:crypto";
import type { Arithmetic } from "@latentweave/arithmetic";
import { blockNumbers, type ParameterLayout, type Slice } from "@latentweave/parameters";
import { ProtocolError } from "@latentweave/protocol";
import type { OwnedSlice, OwnedState } from "./owned-state.ts";

const digestBytes = 8;

/** Where a block's digest stands: in which shard's word, and at which place of it. */
interface Place {
  readonly shard: number;
  readonly at: number;
}

/** Every block in layout order: group by group, block by block, whoever owns it. */
export function blockOrder(layout: ParameterLayout, owned: readonly (readonly Slice[])[]): readonly Place[] {
  const placeOf = new Map<string, Place>();
  for (const [shard, slices] of owned.entries()) {
    let at = 0;
    for (const { group, start, numbers } of slices)
      for (let offset = 0; offset < numbers; offset += blockNumbers)
        placeOf.set(`${group}:${(start + offset) / blockNumbers}`, { shard, at: at++ });
  }
  return layout.groups.flatMap(({ index, blocks }) =>
    Array.from({ length: blocks }, (_, block) => placeOf.get(`${index}:${block}`) as Place),
  );
}

/** XXH3 of each parameter block that a shard owns, 8 bytes little-endian each, in the order of its slices. */
export function blockDigests(arithmetic: Arithmetic, state: OwnedState): Uint8Array {
  const blocks = state.slices.reduce((sum, { numbers }) => sum + Math.ceil(numbers / blockNumbers), 0);
  const all = new Uint8Array(blocks * digestBytes);
  let at = 0;
  for (const slice of state.slices) {
    const made = state.digests.of(slice, state.version) ?? digestsOf(arithmetic, state, slice);
    all.set(made, at);
    at += made.byteLength;
  }
  return all;
}

function digestsOf(arithmetic: Arithmetic, state: OwnedState, slice: OwnedSlice): Uint8Array {
  const digests: bigint[] = [];
  const pointer = state.pointer(slice, "parameters", 0);
  for (let offset = 0; offset < slice.numbers; offset += blockNumbers) {
    const bytes = Math.min(blockNumbers, slice.numbers - offset) * 4;
    digests.push(BigInt(`0x${arithmetic.digest({ pointer: pointer + offset * 4, bytes })}`));
  }
  return new Uint8Array(BigUint64Array.from(digests).buffer);
}

/**
 * SHA-256 over the digests of all parameter blocks in layout order: the same for any number of shards.
 * @throws ProtocolError when a shard's word is too short for the blocks it owns
 */
export function versionDigest(places: readonly Place[], words: ReadonlyMap<number, Uint8Array>): string {
  const hash = createHash("sha256");
  for (const { shard, at } of places) {
    const digest = words.get(shard)?.subarray(at * digestBytes, (at + 1) * digestBytes);
    if (digest?.byteLength !== digestBytes)
      throw new ProtocolError(`shard ${shard} sent too few digests of its blocks`);
    hash.update(digest);
  }
  return hash.digest("hex");
}
