import type { Channel } from "@latentweave/protocol";

/** Where the shards of the parameter server are to be reached, as each peer reaches them. */
export interface ShardAddresses {
  /** @returns whether one with this index was known before */
  learn(index: number, port: number): boolean;
  /** Undefined as long as it has not been here. */
  of(index: number, peer: Channel): string | undefined;
  /** Of those that have been here, in order of their index. */
  all(peer: Channel): string[];
}

export function createShardAddresses(
  addressOf: (index: number, port: number, local: boolean) => string,
): ShardAddresses {
  const ports = new Map<number, number>();
  return {
    learn(index, port) {
      const isKnown = ports.has(index);
      ports.set(index, port);
      return isKnown;
    },
    of(index, { local }) {
      const port = ports.get(index);
      return port === undefined ? undefined : addressOf(index, port, local);
    },
    all: ({ local }) =>
      [...ports.entries()].sort(([a], [b]) => a - b).map(([index, port]) => addressOf(index, port, local)),
  };
}
