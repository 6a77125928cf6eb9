import type { ShardColumns } from "../arrow-shard.ts";
import { isSparse } from "../sparse-rows.ts";

/**
 * Decoded shards by file name, the least recently used dropped first. The newest always stays, even alone beyond the
 * limit: a shard that is being read must be somewhere.
 */
export class ShardCache {
  readonly #limitBytes: number;
  readonly #shards = new Map<string, ShardColumns>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(file: string): ShardColumns | undefined {
    const found = this.#shards.get(file);
    if (found) {
      // A Map walks in the order of insertion: putting it in again makes it the newest.
      this.#shards.delete(file);
      this.#shards.set(file, found);
    }
    return found;
  }

  put(file: string, shard: ShardColumns): void {
    if (this.#shards.has(file)) return;
    this.#shards.set(file, shard);
    this.#bytes += bytesOf(shard);
    for (const [oldest, columns] of this.#shards) {
      if (this.#bytes <= this.#limitBytes || oldest === file) return;
      this.#shards.delete(oldest);
      this.#bytes -= bytesOf(columns);
    }
  }

  clear(): void {
    this.#shards.clear();
    this.#bytes = 0;
  }
}

function bytesOf({ x, y }: ShardColumns): number {
  const xBytes = isSparse(x)
    ? x.offsets.byteLength + x.indices.byteLength + x.values.byteLength
    : x.byteLength;
  return xBytes + (y?.byteLength ?? 0);
}
