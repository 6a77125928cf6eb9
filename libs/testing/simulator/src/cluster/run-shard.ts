import { createShard, type OfferPolicy } from "@latentweave/parameter-server-engine";
import type { Channel, Vault } from "@latentweave/protocol";
import type { SimProcess } from "../world/process.ts";
import { lendArithmetic } from "./arithmetic-pool.ts";
import { createKeeper } from "./keep-channel.ts";
import type { Started } from "./run-worker.ts";
import { runId, withProbe, type World } from "./world.ts";

/** `refused`: by the coordinator, which took an older process's word for a newer one's. */
export interface ShardEnd {
  readonly kind: "over" | "refused" | "failed";
  readonly reason?: string;
}

/** Whoever sends, and however little; as few as can be wait. */
export const offersOfAll: OfferPolicy = {
  fromSubscribers: 1,
  overBytes: 0,
  portionBytes: () => 1,
  underWay: 2,
  spare: () => 0,
};

/** One shard as a process: what `apps/parameter-server` does, in virtual time. */
export function startShard(
  world: World,
  process: SimProcess,
  index: number,
  onEnd: (end: ShardEnd) => void,
): Started {
  const { network, watch, bug, schedule } = world;
  const lent = lendArithmetic();
  const arithmetic = bug.arithmetic?.(process.name, lent.arithmetic) ?? lent.arithmetic;
  const keep = createKeeper(world, process);
  let vault: Vault | undefined;
  const shard = createShard(
    withProbe(
      {
        runId,
        index,
        shards: schedule.shards,
        arithmetic,
        clock: process.clock,
        keepShard: (address: string, onChannel: (channel: Channel) => void) => keep(address, onChannel, true),
        identity: { host: "simulated", pid: index, software: "simulator", port: 1 + index },
        openVault({ key }) {
          vault = world.vaults.vault(process.name, key, arithmetic);
          return vault;
        },
        residentBytes: () => {
          watch.held(process.name, arithmetic.usedBytes);
          return 0;
        },
        ...(schedule.offers === true && { offers: offersOfAll }),
        log: () => undefined,
      },
      world,
      process,
    ),
  );
  network.listen(process, (channel) => shard.accept(channel));
  const coordinator = keep("coordinator", (channel) => shard.join(channel));
  const ended = (end: ShardEnd): void => {
    coordinator.stop();
    if (process.state !== "dead") onEnd(end);
  };
  shard.ended.then(
    () => {
      if (process.state !== "dead") vault?.discard();
      ended({ kind: "over" });
    },
    (error: unknown) =>
      ended({ kind: "failed", reason: error instanceof Error ? error.message : String(error) }),
  );
  coordinator.ended.then(
    ({ kind }) => kind === "fatal" && ended({ kind: "refused" }),
    () => undefined,
  );
  return { release: lent.giveBack, leave: () => undefined };
}
