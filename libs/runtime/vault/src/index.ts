export { keepFreedMemory } from "./freed-memory.ts";
export { type FileVault, openVault, type VaultOptions } from "./open-vault.ts";
export {
  openShardVault,
  removeShardVaults,
  type ShardVaultOptions,
  vaultDirectories,
} from "./shard-vault.ts";
export { createSharedMemory, openSharedMemory } from "./shared-memory.ts";
