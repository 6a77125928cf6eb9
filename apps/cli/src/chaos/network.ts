import net from "node:net";
import {
  type Fault,
  type FaultOf,
  type FaultyProxy,
  type NetworkKind,
  networkKinds,
  type ProxyFault,
} from "@latentweave/faults";
import { standBefore } from "./proxy.ts";

type NetworkFault = FaultOf<NetworkKind>;

/** Proxies between the processes of a run, on the links that a plan strikes. */
export interface Network {
  readonly coordinatorPort: number;
  readonly shardPorts: readonly number[];
  /** For the environment of this process: where to dial in place of what. */
  routesOf(process: string): Readonly<Record<string, string>>;
  /** Strikes every link of these processes. @returns ends it */
  strike(fault: NetworkFault, processes: readonly string[]): () => void;
  close(): Promise<void>;
}

interface Link {
  readonly from: string;
  readonly to: string;
  readonly proxy: FaultyProxy;
}

/** How long TCP waits before it sends again what was lost, at least: what a lost packet looks like from above. */
const retransmissionMs = 200;

/** @param processes every process that the run will ever have */
export async function openNetwork(
  processes: readonly string[],
  shards: number,
  struck: ReadonlySet<string>,
): Promise<Network> {
  const coordinatorPort = await freePort();
  const shardPorts: number[] = [];
  for (let index = 0; index < shards; index++) shardPorts.push(await freePort());
  const portOf = (name: string): number =>
    name === "coordinator" ? coordinatorPort : (shardPorts[Number(name.replace("shard-", ""))] as number);
  const links: Link[] = [];
  for (const [from, to] of linksBetween(processes, shards)) {
    if (!struck.has(from) && !struck.has(to)) continue;
    links.push({ from, to, proxy: await standBefore(portOf(to)) });
  }
  return {
    coordinatorPort,
    shardPorts,
    routesOf: (name) =>
      Object.fromEntries(
        links
          .filter(({ from }) => from === name)
          .map(({ to, proxy }) => [`127.0.0.1:${portOf(to)}`, `127.0.0.1:${proxy.port}`]),
      ),
    strike(fault, names) {
      const added = links
        .filter(({ from, to }) => names.includes(from) || names.includes(to))
        .map(({ proxy }) => proxy.add(proxyFault(fault)));
      return () => {
        for (const one of added) one.lift();
      };
    },
    async close() {
      await Promise.all(links.map(({ proxy }) => proxy.close()));
    },
  };
}

/** Who dials whom. */
function linksBetween(processes: readonly string[], shards: number): (readonly [string, string])[] {
  const shardNames = Array.from({ length: shards }, (_, index) => `shard-${index}`);
  return [
    ...processes.map((from) => [from, "coordinator"] as const),
    ...processes
      .filter((name) => name.startsWith("worker-"))
      .flatMap((from) => shardNames.map((to) => [from, to] as const)),
    ...shardNames.slice(1).map((from) => [from, "shard-0"] as const),
  ].filter(([from]) => from !== "coordinator");
}

function proxyFault(fault: NetworkFault): ProxyFault {
  const direction = "both";
  switch (fault.do) {
    case "partition":
      return { kind: "blackhole", direction };
    case "delay":
      return { kind: "delay", direction, ms: fault.ms, every: 1 };
    case "loss":
      return { kind: "delay", direction, ms: retransmissionMs, every: oneIn(fault.share) };
    case "bandwidth":
      return { kind: "throttle", direction, bytesPerSecond: (fault.mbitPerSecond * 1e6) / 8 };
    case "corrupt-frames":
      return { kind: "corrupt", direction, every: oneIn(fault.share) };
    case "truncate-frames":
      return { kind: "truncate", direction, every: oneIn(fault.share) };
    case "duplicate-frames":
      return { kind: "duplicate", direction, every: oneIn(fault.share) };
    case "reorder-frames":
      return { kind: "reorder", direction, every: oneIn(fault.share) };
  }
}

function oneIn(share: number): number {
  return Math.max(1, Math.round(1 / share));
}

export function isNetworkFault(fault: Fault): fault is NetworkFault {
  return (networkKinds as readonly string[]).includes(fault.do);
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
