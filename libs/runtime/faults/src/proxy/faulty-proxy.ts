import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Clock } from "@latentweave/protocol";
import { ActiveFaults, type AddedFault } from "./active-faults.ts";
import type { ProxyCounts, ProxyFault } from "./fault.ts";
import { type AlterMessage, Flow } from "./flow.ts";
import type { KeyedRandom } from "../draw/keyed-random.ts";
import { WireReader } from "./websocket-wire.ts";

/*
 * Owns: a port, and every connection made through it to the target. Does not own: one direction of one (flow.ts).
 *
 * Invariants:
 * 1. Without faults it cannot be told from the target.
 * 2. After `close()` has resolved the port is free and no socket of it is left.
 */

export interface FaultyProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Port 0 takes any free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly faults: readonly ProxyFault[];
  readonly clock: Clock;
  /** Decides places and changes: `keyedRandom(seed)`. */
  readonly random: KeyedRandom;
  /**
   * Makes the two sides believe that they are on different hosts, so that they reach everything through this port:
   * shards by the coordinator's tunnels, data by HTTP.
   */
  readonly asFromAfar?: boolean;
  /** For a liar in between: replaces what a message carries before any fault befalls it. */
  readonly alter?: AlterMessage;
}

export interface FaultyProxy {
  readonly port: number;
  /** From now on; messages are counted from here. */
  add(fault: ProxyFault): AddedFault;
  /** What was done so far, lifted faults included. */
  counts(): ProxyCounts;
  /** Cuts everything. */
  close(): Promise<void>;
}

/** The header of docs/protocol.md by which two processes know that they share a host. */
const hostHeader = /^(x-latentweave-host:[ \t]*)[0-9a-f]{32}/im;
const otherHost = "0".repeat(32);

const asksForUpgrade = (head: string): boolean => /^upgrade:[ \t]*websocket/im.test(head);
const isUpgraded = (head: string): boolean => /^HTTP\/1\.1 101 /.test(head);

/** @throws Error where the port cannot be had */
export async function createFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const { target, clock } = options;
  const flows = new Set<Flow>();
  const sockets = new Set<Socket>();
  let hanging: Socket[] = [];

  const faults = new ActiveFaults(options.random, () => {
    for (const flow of flows) flow.faultsChanged();
    if (faults.isPartitioned) return;
    for (const client of hanging.splice(0)) relay(client);
  });

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
  };

  const alterHead = (head: string): string =>
    options.asFromAfar === true ? head.replace(hostHeader, `$1${otherHost}`) : head;

  const relay = (client: Socket): void => {
    const server = connect({ ...target, allowHalfOpen: true });
    keep(server);
    const ends = [client, server];
    const onCut = (): void => {
      for (const flow of both) flow.drop();
      for (const socket of ends) socket.destroy();
    };
    const shared = { faults, clock, alter: options.alter, onCut };
    const both = [
      new Flow({
        ...shared,
        way: "up",
        source: client,
        target: server,
        reader: new WireReader(asksForUpgrade, alterHead),
      }),
      new Flow({
        ...shared,
        way: "down",
        source: server,
        target: client,
        reader: new WireReader(isUpgraded, alterHead),
      }),
    ];
    for (const flow of both) flows.add(flow);
    for (const socket of ends) {
      socket.once("close", () => {
        if (!ends.every(({ destroyed }) => destroyed)) return;
        for (const flow of both) {
          flow.drop();
          flows.delete(flow);
        }
      });
    }
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    keep(client);
    if (!faults.isPartitioned) return relay(client);
    client.on("error", () => client.destroy());
    hanging.push(client);
  });
  for (const fault of options.faults) faults.add(fault);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...options.listen }, resolve);
  });

  return {
    port: (server.address() as AddressInfo).port,
    add: (fault) => faults.add(fault),
    counts: () => faults.counts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        hanging = [];
        for (const flow of flows) flow.drop();
        for (const socket of sockets) socket.destroy();
      }),
  };
}
