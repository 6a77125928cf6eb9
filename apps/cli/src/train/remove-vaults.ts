import { readFile } from "node:fs/promises";
import path from "node:path";
import { removeShardVaults } from "@latentweave/vault";

/**
 * Removes the memory that shards of a run have left on this host; one that ends by itself leaves none. For a run of which
 * no process lives.
 */
export async function removeVaults(runId: string, directory: string): Promise<void> {
  const runKey = await readRunKey(directory);
  if (runKey !== undefined) removeShardVaults({ runId, runKey, runDirectory: directory });
}

/** Undefined when the run never came to write its state, and so no shard was ever told what to keep. */
async function readRunKey(directory: string): Promise<string | undefined> {
  try {
    const state: unknown = JSON.parse(await readFile(path.join(directory, "run.json"), "utf8"));
    if (typeof state !== "object" || state === null || !("runKey" in state)) return undefined;
    return typeof state.runKey === "string" ? state.runKey : undefined;
  } catch {
    return undefined;
  }
}
