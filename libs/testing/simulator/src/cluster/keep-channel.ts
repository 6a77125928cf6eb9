import { type ConnectionEnd, keepConnected } from "@latentweave/transport";
import type { Channel } from "@latentweave/protocol";
import type { SimProcess } from "../world/process.ts";
import { createStopping } from "./stop-signal.ts";
import type { World } from "./world.ts";

export interface Kept {
  stop(): void;
  readonly ended: Promise<ConnectionEnd>;
}

/** Keeps channels of one process open by transport's own rules. */
export type KeepChannel = (
  address: string,
  onChannel: (channel: Channel) => void,
  /** As in transport: to a shard, and not to the coordinator. */
  mayReturn?: boolean,
) => Kept;

export function createKeeper(world: World, process: SimProcess): KeepChannel {
  const dialer = world.network.dialer(process);
  const random = world.random(`back-off of ${process.name} at ${world.clock.nowMs()}`);
  return (url, onChannel, mayReturn = false) => {
    const { signal, stop } = createStopping();
    const ended = keepConnected({
      ...{ dialer, url, onChannel, mayReturn, signal },
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
