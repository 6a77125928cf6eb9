import type { MappedWeights } from "@latentweave/model";
import type { ParameterLayout } from "@latentweave/parameters";
import { openMappedFile } from "@latentweave/vault";
import { allocateParameterMemory, type ParameterMemory } from "./parameter-memory.ts";

/**
 * The weights of all shards of this host where the shards themselves have them: a memory for even versions and one for
 * odd ones, of which every page is a page of some shard's.
 */
export interface MappedMemory {
  /**
   * Lays a shard's part over what was there.
   * @returns why it cannot be had
   */
  map(shard: number, weights: MappedWeights): string | undefined;
  /** Of a version. */
  of(version: number): ParameterMemory;
  /** Whether the memory of a version still holds that version. */
  holds(version: number): boolean;
}

/** A page of this size or a smaller one is what systems have that we map memory on. */
const mappedAlignment = 16_384;

export function createMappedMemory(layout: ParameterLayout): MappedMemory {
  const memories = [allocateParameterMemory(layout), allocateParameterMemory(layout)] as const;
  /** By shard: the version that it is writing, or its newest. */
  const writing = new Map<number, () => bigint>();
  return {
    map(shard, { file, writingAt, slices }) {
      writing.delete(shard);
      const opened = openMappedFile(file);
      if (typeof opened === "string") return opened;
      try {
        for (const { group, start, numbers, at } of slices) {
          const known = layout.groups[group];
          if (!known || start + numbers > known.numbers) return "it has other parameters";
          for (const [parity, memory] of memories.entries()) {
            const { byteOffset } = memory.groups[group] as Float32Array;
            const bytes = Math.ceil((numbers * 4) / mappedAlignment) * mappedAlignment;
            const view = new Uint8Array(memory.buffer as ArrayBuffer, byteOffset + start * 4, bytes);
            const refusal = opened.map(view, at[parity] ?? 0);
            if (refusal !== undefined) return refusal;
          }
        }
        const beginning = opened.beginning(writingAt + 8);
        if (typeof beginning === "string") return beginning;
        const word = new BigInt64Array(beginning, writingAt, 1);
        writing.set(shard, () => Atomics.load(word, 0));
        return undefined;
      } finally {
        opened.close();
      }
    },
    of: (version) => memories[(version & 1) as 0 | 1],
    holds: (version) => [...writing.values()].every((word) => word() <= BigInt(version + 1)),
  };
}
