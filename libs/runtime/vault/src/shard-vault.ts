import { createHash } from "node:crypto";
import { type FileVault, openVault } from "./open-vault.ts";
import { loadPageMap } from "./page-map.ts";
import { sweep } from "./sweep.ts";
import { vaultDirectories } from "./vault-directories.ts";

export interface ShardVaultOptions {
  readonly runId: string;
  /**
   * Tells this run from another of the same name (in another folder, or after its folder was removed), and stays the
   * same when the run is resumed.
   */
  readonly runKey: string;
  readonly index: number;
  readonly shards: number;
  /** The run's specification, as text. */
  readonly spec: string;
  /** On a disk of this host, for where memory is short or forbidden. */
  readonly runDirectory?: string;
  readonly log: (line: string) => void;
}

/** The vault of one shard of one run on this host. */
export function openShardVault(options: ShardVaultOptions): FileVault {
  const { runId, runKey, index, shards, spec, runDirectory, log } = options;
  return openVault({
    directories: vaultDirectories(runDirectory),
    name: `${vaultsOf(options)}${index}`,
    identity: [
      `run ${runId}`,
      `key ${hash(runKey)}`,
      `specification sha256:${hash(spec)}`,
      `shard ${index} of ${shards}`,
    ].join("\n"),
    log,
  });
}

/**
 * Removes what the shards of a run that is over have left on this host because they were killed. Nobody is to start
 * another one meanwhile; what a living process holds stays.
 * @returns the removed files
 */
export function removeShardVaults(
  run: Pick<ShardVaultOptions, "runId" | "runKey" | "runDirectory">,
): readonly string[] {
  const addon = loadPageMap({ ...process.env, LATENTWEAVE_VAULT: undefined });
  if (typeof addon === "string") return [];
  return vaultDirectories(run.runDirectory).flatMap((directory) =>
    sweep(addon, directory, { names: vaultsOf(run), idleMs: 0 }),
  );
}

/** How the names of a run's vaults begin; the shard's number follows. */
const vaultsOf = ({ runId, runKey }: Pick<ShardVaultOptions, "runId" | "runKey">): string =>
  `${runId}-${hash(runKey).slice(0, 8)}-shard-`;

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
