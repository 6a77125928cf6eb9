import type { ParameterLayout } from "@latentweave/parameters";
import { ownership } from "@latentweave/parameters";
import { blockOrder, versionDigest } from "./version-digest.ts";

/** Which version each shard holds, as the leader knows it; a version is settled when every shard holds it. */
export interface Settlement {
  /** @returns the settled version when it has risen by this word */
  applied(index: number, version: number, digests: Uint8Array): number | undefined;
  /** The newest settled version. */
  readonly settled: number | undefined;
  /** Of the parameters of a version that is, or was just, settled; "" where a shard's word of it was lost. */
  digestOf(version: number): string;
  /** Work done before is void. */
  startOver(): void;
}

export function createSettlement(layout: ParameterLayout, shards: number): Settlement {
  const places = blockOrder(layout, ownership(layout, shards));
  const versions = new Map<number, number>();
  const words = new Map<number, Map<number, Uint8Array>>();
  let settled: number | undefined;
  return {
    applied(index, version, digests) {
      versions.set(index, version);
      let word = words.get(version);
      if (!word) words.set(version, (word = new Map<number, Uint8Array>()));
      word.set(index, digests);
      if (versions.size < shards) return undefined;
      const lowest = Math.min(...versions.values());
      if (settled !== undefined && lowest <= settled) return undefined;
      settled = lowest;
      for (const old of words.keys()) if (old < lowest) words.delete(old);
      return settled;
    },
    get settled() {
      return settled;
    },
    digestOf(version) {
      const word = words.get(version);
      return word?.size === shards ? versionDigest(places, word) : "";
    },
    startOver() {
      versions.clear();
      words.clear();
      settled = undefined;
    },
  };
}
