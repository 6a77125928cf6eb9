import net from "node:net";
import {
  createFaultyProxy,
  type Fault,
  type FaultOf,
  type FaultyProxy,
  keyedRandom,
  type NetworkKind,
  networkKinds,
  type ProxyFault,
} from "@latentweave/faults";
import { systemClock } from "@latentweave/protocol";
import type { CableFault, Namespace } from "./namespace.ts";

type NetworkFault = FaultOf<NetworkKind>;

/** What lies between the processes of a run: proxies on the links that a plan strikes, namespaces around hosts. */
export interface Network {
  readonly coordinatorPort: number;
  readonly shardPorts: readonly number[];
  /** For the environment of this process: where to dial in place of what. */
  routesOf(process: string): Readonly<Record<string, string>>;
  /** Prefix of its command line; empty for a process that runs here. */
  prefixOf(process: string): readonly string[];
  /** Strikes every link of these processes. @returns ends it */
  strike(fault: NetworkFault, processes: readonly string[]): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

interface Link {
  readonly from: string;
  readonly to: string;
  /** The `host:port` at which it is dialled. */
  readonly at: string;
  readonly proxy: FaultyProxy;
}

const loopback = "127.0.0.1";
/** How long TCP waits before it sends again what was lost, at least: what a lost packet looks like from above. */
const retransmissionMs = 200;
/** Where damage falls depends on nothing but a proxy's own count of messages. */
const placeSeed = 1;

export async function openNetwork(options: {
  /** Every process that the run will ever have. */
  readonly processes: readonly string[];
  readonly shards: number;
  /** A worker and the shard of its number are one process: no link is between them. */
  readonly beside: boolean;
  /** Those whose links are struck one day. */
  readonly struck: ReadonlySet<string>;
  /** By process. */
  readonly namespaces: ReadonlyMap<string, Namespace>;
}): Promise<Network> {
  const { processes, shards, beside, struck, namespaces } = options;
  const coordinatorPort = await freePort();
  const shardPorts: number[] = [];
  for (let index = 0; index < shards; index++) shardPorts.push(await freePort());
  const portOf = (name: string): number =>
    name === "coordinator" ? coordinatorPort : (shardPorts[Number(name.replace("shard-", ""))] as number);
  const links: Link[] = [];
  for (const [from, to] of linksBetween(processes, shards)) {
    if (beside && to === from.replace(/^worker-/, "shard-")) continue;
    const outside = namespaces.get(from)?.outside;
    if (outside === undefined && !struck.has(from) && !struck.has(to)) continue;
    const host = outside ?? loopback;
    const proxy = await createFaultyProxy({
      target: { host: loopback, port: portOf(to) },
      listen: { host, port: 0 },
      faults: [],
      clock: systemClock,
      random: keyedRandom(placeSeed),
    });
    links.push({ from, to, proxy, at: `${host}:${proxy.port}` });
  }
  const strikeProxies = (fault: NetworkFault, names: readonly string[]): (() => void)[] =>
    links
      .filter(({ from, to }) => names.includes(from) || names.includes(to))
      .map(({ proxy }) => {
        const added = proxy.add(proxyFault(fault));
        return () => added.lift();
      });
  return {
    coordinatorPort,
    shardPorts,
    routesOf: (name) =>
      Object.fromEntries(
        links.filter(({ from }) => from === name).map(({ to, at }) => [`${loopback}:${portOf(to)}`, at]),
      ),
    prefixOf: (name) => namespaces.get(name)?.prefix ?? [],
    async strike(fault, names) {
      const ends: (() => void | Promise<void>)[] = [];
      const left = new Set(names);
      const cables = new Set(names.flatMap((name) => namespaces.get(name) ?? []));
      for (const cable of isCableFault(fault) ? cables : []) {
        const end = await cable.strike(fault as CableFault);
        if (end === undefined) continue;
        ends.push(end);
        for (const name of names) if (namespaces.get(name) === cable) left.delete(name);
      }
      ends.push(...strikeProxies(fault, [...left]));
      return async () => {
        for (const end of ends) await end();
      };
    },
    async close() {
      await Promise.all(links.map(({ proxy }) => proxy.close()));
      for (const namespace of new Set(namespaces.values())) await namespace.remove();
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

function isCableFault(fault: NetworkFault): boolean {
  return ["partition", "delay", "loss", "bandwidth"].includes(fault.do);
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, loopback, resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
