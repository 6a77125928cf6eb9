import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { UserError, type PreparedShard } from "@latentweave/protocol";
import { sha256Of, writeFileAtomically } from "../files.ts";

/** Where a prepared data set's files are: a folder, or a URL under which the coordinator serves them. */
export type PreparedLocation =
  | { readonly directory: string }
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> };

/** A shard could not be fetched, after every attempt that made sense. */
export class ShardUnavailable extends Error {
  override readonly name = "ShardUnavailable";
  readonly url: string;
  readonly attempts: number;
  constructor(url: string, attempts: number, reason: string, cause?: unknown) {
    super(`${url}: ${reason} (after ${attempts} ${attempts === 1 ? "attempt" : "attempts"})`, { cause });
    this.url = url;
    this.attempts = attempts;
  }
}

/** Fetches a shard's bytes and vouches for their SHA-256. */
export interface ShardStore {
  load(shard: PreparedShard): Promise<Uint8Array>;
  /** Bytes taken from the location so far; what a cache on disk saved is not among them. */
  readonly fetchedBytes: number;
}

/** @param cacheDirectory where shards that came over HTTP are kept for the next process, by content */
export function openShardStore(
  location: PreparedLocation,
  cacheDirectory: string | undefined,
  signal: AbortSignal,
): ShardStore {
  return "directory" in location
    ? new DirectoryStore(location.directory)
    : new HttpStore(location.url, location.headers ?? {}, cacheDirectory, signal);
}

class DirectoryStore implements ShardStore {
  fetchedBytes = 0;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async load(shard: PreparedShard): Promise<Uint8Array> {
    const file = path.join(this.#directory, shard.file);
    const problem = (what: string, cause?: unknown): UserError =>
      new UserError({
        what,
        where: file,
        mend: `delete ${this.#directory}; the data are prepared again when needed`,
        cause,
      });
    const bytes = await readFile(file).catch((error: unknown) => {
      throw problem("a shard of prepared data cannot be read", error);
    });
    this.fetchedBytes += bytes.length;
    if (sha256Of(bytes) !== shard.sha256) throw problem("a shard of prepared data is damaged");
    return bytes;
  }
}

/** Waits of 0.1, 0.2, ... 6.4 s between eight attempts: about as long as a coordinator takes to come back. */
const attempts = 8;
const firstWaitMs = 100;
/** A server that goes silent in the middle of a shard (about a megabyte) is given up after this long. */
const requestTimeoutMs = 60_000;

class HttpStore implements ShardStore {
  fetchedBytes = 0;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #cacheDirectory: string | undefined;
  readonly #signal: AbortSignal;

  constructor(
    url: string,
    headers: Readonly<Record<string, string>>,
    cacheDirectory: string | undefined,
    signal: AbortSignal,
  ) {
    this.#url = url.endsWith("/") ? url : `${url}/`;
    this.#headers = headers;
    this.#cacheDirectory = cacheDirectory;
    this.#signal = signal;
  }

  async load(shard: PreparedShard): Promise<Uint8Array> {
    const kept = this.#cacheDirectory && path.join(this.#cacheDirectory, shard.file);
    const cached = kept && (await readFile(kept).catch(() => undefined));
    if (cached && sha256Of(cached) === shard.sha256) return cached;
    const bytes = await this.#fetch(shard);
    // A cache that cannot be written makes the next start slower, nothing else.
    if (kept) await writeFileAtomically(kept, [bytes]).catch(() => undefined);
    return bytes;
  }

  async #fetch(shard: PreparedShard): Promise<Uint8Array> {
    const url = new URL(shard.file, this.#url).href;
    let reason = "";
    let cause: unknown;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      // Jitter, so that workers that lost the same server do not come back in step.
      if (attempt > 1)
        await wait(firstWaitMs * 2 ** (attempt - 2) * (0.5 + Math.random() / 2), undefined, {
          signal: this.#signal,
        });
      try {
        const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(requestTimeoutMs)]);
        const response = await fetch(url, { headers: this.#headers, signal });
        if (response.ok) {
          const bytes = new Uint8Array(await response.arrayBuffer());
          this.fetchedBytes += bytes.length;
          if (sha256Of(bytes) === shard.sha256) return bytes;
          reason = "the bytes that came are not those of the manifest";
        } else {
          await response.body?.cancel();
          reason = `HTTP ${response.status}`;
          if (!isTransient(response.status)) throw new ShardUnavailable(url, attempt, reason);
        }
      } catch (error) {
        if (error instanceof ShardUnavailable || this.#signal.aborted) throw error;
        reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
        cause = error;
      }
    }
    throw new ShardUnavailable(url, attempts, reason, cause);
  }
}

function isTransient(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}
