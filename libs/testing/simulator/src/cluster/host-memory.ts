import type { Arithmetic } from "@latentweave/arithmetic";
import type { Vault } from "@latentweave/protocol";
import { createMemoryVaults, type MemoryVaults } from "../memory-vault.ts";

/** What processes leave in the memory of their hosts, one host for each name. */
export interface HostMemory {
  vault(name: string, identity: string, arithmetic: Arithmetic): Vault;
  /** The process ends now. `kept`: its host lives on; else what it held is gone. */
  died(name: string, kept: boolean): void;
  /** All processes are gone, and with them what they held. */
  clear(): void;
}

export function createHostMemory(): HostMemory {
  const hosts = new Map<string, MemoryVaults>();
  return {
    vault(name, identity, arithmetic) {
      let host = hosts.get(name);
      if (!host) hosts.set(name, (host = createMemoryVaults()));
      return host.open({ name, identity, arithmetic });
    },
    died(name, kept) {
      if (kept) hosts.get(name)?.kill(name);
      else hosts.get(name)?.loseHost();
    },
    clear: () => hosts.clear(),
  };
}
