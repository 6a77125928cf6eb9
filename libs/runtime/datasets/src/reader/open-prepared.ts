import { UserError, type PreparedManifest, type PreparedShard, type SplitName } from "@latentweave/protocol";
import { decodeShard, ShardMismatch, type ShardColumns } from "../arrow-shard.ts";
import { rowsCopier } from "./gather-rows.ts";
import { ShardCache } from "./shard-cache.ts";
import { openShardStore, type PreparedLocation } from "./shard-store.ts";

/** One row of one shard of a split; the plan of libs/algorithm/data hands these out. */
export interface PreparedRow {
  readonly shard: number;
  readonly row: number;
}

/** Inputs and targets, one sample after another. */
export interface PreparedRows {
  /** [n, width of x], scaled. */
  readonly x: Float32Array;
  /** Labels [n], or numbers [n, width of y]; absent where the data have none or none were asked for. */
  readonly y?: Int32Array | Float32Array;
}

export interface PreparedReader {
  readonly manifest: PreparedManifest;
  /**
   * Inputs (and targets, unless `columns` leaves them out) of the given rows, in their order. The arrays belong to
   * the caller.
   * @throws ShardUnavailable, or UserError for a damaged shard; RangeError for a row that is not there
   */
  rows(
    split: SplitName,
    refs: readonly PreparedRow[],
    columns?: readonly ("x" | "y")[],
  ): Promise<PreparedRows>;
  /** Brings shards into memory, in this order, a few at a time. Failures are left to `rows` to report. */
  prefetch(split: SplitName, shards: readonly number[]): Promise<void>;
  /** Bytes taken from the location so far. */
  readonly fetchedBytes: number;
  /** Bytes of decoded shards held now; bounded by `cacheBytes`, or one shard where that is larger. */
  readonly cachedBytes: number;
  /** Gives up what is under way and forgets what is cached. */
  close(): void;
}

export interface OpenPreparedOptions {
  readonly manifest: PreparedManifest;
  readonly location: PreparedLocation;
  /** Bound on decoded shards kept in memory. */
  readonly cacheBytes: number;
  /** Keeps shards that came over HTTP on disk, for the next process on this machine. */
  readonly cacheDirectory?: string;
}

/** Memory of their own whose every number is about to be written: filling it with zeros first would cost as much again. */
function numbersFor(count: number): Float32Array<ArrayBuffer> {
  const { buffer } = Buffer.allocUnsafeSlow(count * Float32Array.BYTES_PER_ELEMENT);
  return new Float32Array(buffer, 0, count);
}

/** Enough to keep a link busy while one shard is being hashed. */
const prefetchAtOnce = 3;

export function openPrepared(options: OpenPreparedOptions): PreparedReader {
  const { manifest } = options;
  const closing = new AbortController();
  const store = openShardStore(options.location, options.cacheDirectory, closing.signal);
  const cache = new ShardCache(options.cacheBytes);
  const loading = new Map<string, Promise<ShardColumns>>();
  const copyRows = rowsCopier(manifest.x.width, manifest.x.dtype, manifest.preprocessing.scale);
  const targetWidth = manifest.y && manifest.y.kind !== "class" ? manifest.y.width : 1;

  function describe(split: SplitName, shard: number): PreparedShard {
    const found = manifest.splits[split].shards[shard];
    if (!found) throw new RangeError(`${split} has no shard ${shard}`);
    return found;
  }

  async function loadAndDecode(shard: PreparedShard): Promise<ShardColumns> {
    try {
      const columns = decodeShard(manifest, shard.rows, await store.load(shard));
      if (!closing.signal.aborted) cache.put(shard.file, columns);
      return columns;
    } catch (error) {
      if (!(error instanceof ShardMismatch)) throw error;
      throw new UserError({
        what: `a shard of prepared data ${error.message}`,
        where: shard.file,
        cause: error,
      });
    } finally {
      loading.delete(shard.file);
    }
  }

  /** From memory where it is there, so that the usual case waits for nothing. */
  function columnsOf(shard: PreparedShard): ShardColumns | Promise<ShardColumns> {
    const cached = cache.get(shard.file);
    if (cached) return cached;
    let promise = loading.get(shard.file);
    if (!promise) {
      promise = loadAndDecode(shard);
      loading.set(shard.file, promise);
    }
    return promise;
  }

  async function shardsOf(
    split: SplitName,
    refs: readonly PreparedRow[],
  ): Promise<Map<number, ShardColumns>> {
    const found = new Map<number, ShardColumns | Promise<ShardColumns>>();
    for (const { shard } of refs) if (!found.has(shard)) found.set(shard, columnsOf(describe(split, shard)));
    const loaded = await Promise.all(
      [...found].map(async ([shard, columns]) => [shard, await columns] as const),
    );
    return new Map(loaded);
  }

  return {
    manifest,
    async rows(split, refs, columns = ["x", "y"]) {
      const shards = await shardsOf(split, refs);
      const x = numbersFor(columns.includes("x") ? refs.length * manifest.x.width : 0);
      const wantsTargets = manifest.y !== null && columns.includes("y");
      const y = !wantsTargets
        ? undefined
        : manifest.y?.kind === "class"
          ? new Int32Array(refs.length)
          : new Float32Array(refs.length * targetWidth);
      const pairs = new Map([...shards].map(([shard]) => [shard, [] as number[]]));
      for (let index = 0; index < refs.length; index++) {
        const { shard, row } = refs[index] as PreparedRow;
        const from = shards.get(shard) as ShardColumns;
        if (!(row >= 0 && row < from.rows)) throw new RangeError(`${split} shard ${shard} has no row ${row}`);
        pairs.get(shard)?.push(row, index);
        if (y) {
          for (let at = 0; at < targetWidth; at++) {
            y[index * targetWidth + at] = from.y?.[row * targetWidth + at] as number;
          }
        }
      }
      if (x.length > 0)
        for (const [shard, own] of pairs)
          copyRows(shards.get(shard) as ShardColumns, Int32Array.from(own), x);
      return y ? { x, y } : { x };
    },
    async prefetch(split, shards) {
      const queue = shards.map((shard) => describe(split, shard));
      const walk = async (): Promise<void> => {
        for (let next = queue.shift(); next && !closing.signal.aborted; next = queue.shift()) {
          await Promise.resolve(columnsOf(next)).catch(() => undefined);
        }
      };
      await Promise.all(Array.from({ length: prefetchAtOnce }, walk));
    },
    get fetchedBytes() {
      return store.fetchedBytes;
    },
    get cachedBytes() {
      return cache.bytes;
    },
    close() {
      closing.abort();
      cache.clear();
    },
  };
}
