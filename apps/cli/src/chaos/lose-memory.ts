import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { vaultDirectories } from "@latentweave/vault";

/**
 * What the shards of a run keep in this host's memory is gone, as if the host had been switched off.
 * @param shards whose; default: everybody's
 */
export async function loseMemory(runId: string, shards?: readonly string[]): Promise<void> {
  const isTheirs = (file: string): boolean =>
    shards === undefined || shards.some((name) => file.endsWith(`-${name}`));
  for (const directory of vaultDirectories())
    for (const file of await readdir(directory).catch((): string[] => []))
      if (file.startsWith(`latentweave-vault-${runId}-`) && isTheirs(file))
        await rm(path.join(directory, file), { force: true });
}
