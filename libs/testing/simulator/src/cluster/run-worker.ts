import type { ConnectionEnd } from "@latentweave/transport";
import type { Channel } from "@latentweave/protocol";
import { createWorker, type RelayPort, type WorkerEnd } from "@latentweave/worker-engine";
import type { SimProcess } from "../world/process.ts";
import { lendArithmetic } from "./arithmetic-pool.ts";
import { createKeeper } from "./keep-channel.ts";
import { createKeyedCompute } from "./keyed-compute.ts";
import { numberedRows } from "./numbered-rows.ts";
import { runId, withProbe, type World } from "./world.ts";

/** A started engine as its launcher sees it. */
export interface Started {
  /** Whatever it held is free; call once it is dead. */
  release(): void;
  /** A worker is asked to leave; nothing for the others. */
  leave(reason: string): void;
}

/** Mean time of a micro-batch. */
const computeMs = 1.5;

/** Workers are dealt to the schedule's hosts in turn, none of which has the coordinator. */
function relayOf({ network, schedule }: World, process: SimProcess): { readonly relay?: RelayPort } {
  if (schedule.hosts === undefined) return {};
  const host = Number(process.name.slice("worker-".length)) % schedule.hosts;
  const addressOf: RelayPort["addressOf"] = ({ workerId }, shard) => `${workerId}/relay/${shard}`;
  return {
    relay: {
      ...{ loopback: `host-${host}`, port: 1, addressOf },
      listen(accept) {
        for (let shard = 0; shard < schedule.shards; shard++)
          network.listen(
            process,
            (channel) => accept(channel, shard),
            addressOf({ workerId: process.name, port: 1 }, shard),
          );
      },
    },
  };
}

/** One worker as a process: what `apps/worker` does, in virtual time. */
export function startWorker(
  world: World,
  process: SimProcess,
  onEnd: (end: WorkerEnd | ConnectionEnd) => void,
): Started {
  const { watch, bug } = world;
  const random = world.random(`worker ${process.name} at ${world.clock.nowMs()}`);
  const lent = lendArithmetic();
  const arithmetic = bug.arithmetic?.(process.name, lent.arithmetic) ?? lent.arithmetic;
  const keep = createKeeper(world, process);
  const links: { stop(): void }[] = [];
  const compute = createKeyedCompute((batch, parameters) => {
    if (process.state === "dead") return;
    watch.computing(process.name, batch, parameters);
    watch.held(process.name, arithmetic.usedBytes);
  });
  const worker = createWorker(
    withProbe(
      {
        runId,
        workerId: process.name,
        arithmetic,
        clock: process.clock,
        compute: bug.compute?.(compute) ?? compute,
        canary: async () => "keyed",
        openRows: async () => numberedRows(),
        keepShard(address: string, onChannel: (channel: Channel) => void) {
          const link = keep(address, onChannel, true);
          links.push(link);
          return link;
        },
        ...relayOf(world, process),
        identity: { host: "simulated", pid: 1, software: "simulator" },
        residentBytes: () => 0,
        beforeMicroBatch: () =>
          new Promise<void>((resolve) => {
            process.clock.after(random.between(0.5, 1.5) * computeMs * process.slowness, resolve, () => ({
              ...{ kind: "compute", processes: [process.name], way: `${process.name} computes` },
            }));
          }),
        log: () => undefined,
      },
      world,
      process,
    ),
  );
  const coordinator = keep("coordinator", (channel) => worker.join(channel));
  const end = Promise.race<WorkerEnd | ConnectionEnd>([
    worker.ended,
    coordinator.ended.then<WorkerEnd | ConnectionEnd>((result) =>
      result.kind === "fatal" ? result : worker.ended,
    ),
  ]);
  end.then(
    (result) => {
      for (const link of links) link.stop();
      coordinator.stop();
      if (process.state !== "dead") onEnd(result);
    },
    () => undefined,
  );
  return { release: lent.giveBack, leave: (reason) => process.enter(() => worker.leave(reason)) };
}
