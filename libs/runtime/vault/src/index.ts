export { keepFreedMemory } from "./freed-memory.ts";
export { type FileVault, openVault, type VaultOptions } from "./open-vault.ts";
export { openShardVault, removeShardVaults, type ShardVaultOptions } from "./shard-vault.ts";
export { type MappedFile, openMappedFile } from "./mapped-file.ts";
export { vaultDirectories } from "./vault-directories.ts";
export { answerAtOnce, interruptNobody } from "./scheduling.ts";
export { createSharedMemory, openSharedMemory } from "./shared-memory.ts";
