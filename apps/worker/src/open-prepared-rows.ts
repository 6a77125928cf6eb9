import path from "node:path";
import { openPrepared, readPreparedManifest } from "@latentweave/datasets";
import type { TaskSpec } from "@latentweave/plan";
import {
  cacheDirectory,
  type MessageOf,
  type PreparedManifest,
  preparedManifestSchema,
  type SplitName,
  UserError,
} from "@latentweave/protocol";
import type { RowReader } from "@latentweave/worker-engine";

/** Decoded shards kept in memory per task: MNIST whole as bytes, an eighth of a worker's usual memory. */
const cacheBytes = 256 * 2 ** 20;

/** Opens one task's prepared data, in a folder or over the coordinator's HTTP. */
export async function openPreparedRows(
  task: TaskSpec,
  location: MessageOf<"welcome">["data"],
  coordinator: string,
  token: string | undefined,
): Promise<RowReader> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const directory = path.join(location.at, task.dataHash);
  const url = location.kind === "url" ? new URL(`${location.at}/${task.dataHash}`, coordinator).href : "";
  const manifest =
    location.kind === "directory" ? await readPreparedManifest(directory) : await fetchManifest(url, headers);
  const reader = openPrepared({
    manifest,
    location: location.kind === "directory" ? { directory } : { url, headers },
    cacheBytes,
    ...(location.kind === "directory" ? {} : { cacheDirectory: path.join(cacheDirectory(), "fetched") }),
  });
  return {
    async rows(split, refs, columns) {
      const { x, y } = await reader.rows(split as SplitName, refs, columns.length > 0 ? ["x", "y"] : ["x"]);
      return { x, columns: y === undefined ? {} : Object.fromEntries(columns.map((name) => [name, y])) };
    },
    prefetch: (split, shards) => void reader.prefetch(split as SplitName, shards),
    get fetchedBytes() {
      return reader.fetchedBytes;
    },
    close: async () => reader.close(),
  };
}

async function fetchManifest(url: string, headers: Record<string, string>): Promise<PreparedManifest> {
  const answer = await fetch(`${url}/manifest.json`, { headers });
  const parsed = answer.ok ? preparedManifestSchema.safeParse(await answer.json()) : undefined;
  if (parsed?.success) return parsed.data;
  throw new UserError({
    what: `the coordinator has no prepared data there (HTTP ${answer.status})`,
    where: url,
  });
}
