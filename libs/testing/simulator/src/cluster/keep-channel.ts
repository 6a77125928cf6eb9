import { type ConnectionEnd, keepConnected } from "@latentweave/transport";
import { type Channel, closeCodes } from "@latentweave/protocol";
import type { SimProcess } from "../world/process.ts";
import { createStopping } from "./stop-signal.ts";
import type { World } from "./world.ts";

export interface Kept {
  stop(): void;
  readonly ended: Promise<ConnectionEnd>;
}

/** Keeps channels of one process open by transport's own rules. */
export type KeepChannel = (address: string, onChannel: (channel: Channel) => void) => Kept;

export function createKeeper(world: World, process: SimProcess): KeepChannel {
  const dialer = world.network.dialer(process);
  const random = world.random(`back-off of ${process.name} at ${world.clock.nowMs()}`);
  return (url, onChannel) => {
    const { signal, stop } = createStopping();
    const ended = keepConnected({
      ...{ dialer, url, onChannel, signal },
      clock: process.clock,
      random: random.next,
      onWaiting: () => undefined,
    });
    ended.catch((error: unknown) => {
      if (process.state !== "dead") world.watch.violated("crash", `${process.name}: ${String(error)}`);
    });
    return { stop, ended };
  };
}

/** As workers and shards: before they connect again to a shard that took an older process's word for a newer one's. */
const replacedMs = 250;

/** Keeps a channel to a shard: whoever is replaced hears of that from the coordinator. */
export function keepToShard(
  keep: KeepChannel,
  process: SimProcess,
  address: string,
  onChannel: (channel: Channel) => void,
): { stop(): void } {
  let link: Kept | undefined;
  let stopped = false;
  const again = (): void => {
    if (stopped) return;
    link = keep(address, onChannel);
    link.ended.then(
      (end) => {
        if (end.kind === "fatal" && end.code === closeCodes.replaced) process.clock.after(replacedMs, again);
      },
      () => undefined,
    );
  };
  again();
  return {
    stop() {
      stopped = true;
      link?.stop();
    },
  };
}
