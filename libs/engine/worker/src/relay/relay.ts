import { type Channel, closeCodes } from "@latentweave/protocol";
import { createRelayWay, type Group, type RelayWay, type RelayWayOptions } from "./relay-way.ts";

/**
 * Speaks to the shards for all workers of this host: sums are completed here before they leave it, and one copy of a
 * broadcast serves all (docs/protocol.md, "Relays"). It serves whoever comes, for another worker may hear of it first.
 */
export interface Relay {
  /** A worker of this host, to be brought to that shard. */
  accept(channel: Channel, shard: number): void;
  /** What the coordinator has said: whom it relays for; undefined: nobody, or somebody else does. */
  serve(group: Group | undefined): void;
  /** Where shards are. */
  moveTo(addresses: readonly string[]): void;
  stop(): void;
}

export function createRelay(
  options: Omit<RelayWayOptions, "index" | "address"> & { readonly addresses: readonly string[] },
): Relay {
  const ways = options.addresses.map((address, index): RelayWay =>
    createRelayWay({ ...options, index, address }),
  );
  let serves = false;
  return {
    accept(channel, shard) {
      const way = ways[shard];
      if (way) way.accept(channel);
      else channel.close(closeCodes.protocolError, `there is no shard ${shard}`);
    },
    serve(group) {
      for (const way of ways) {
        way.serve(group);
        if (serves && !group) way.close(closeCodes.goingAway, "another worker relays now");
      }
      serves = group !== undefined;
    },
    moveTo(addresses) {
      for (const [index, way] of ways.entries()) {
        const address = addresses[index];
        if (address !== undefined) way.moveTo(address);
      }
    },
    stop() {
      for (const way of ways) way.close(closeCodes.goingAway, "this process is stopping");
    },
  };
}
