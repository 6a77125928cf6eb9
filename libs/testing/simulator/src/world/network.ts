import { type Channel, ChannelRefused, type Dialer } from "@latentweave/protocol";
import type { VirtualClock } from "../virtual-clock.ts";
import { type Connection, type ConnectionOptions, createConnection, type Path } from "./connection.ts";
import type { Random } from "./random.ts";
import type { SimProcess } from "./process.ts";

/**
 * Connections between named processes, and what befalls them.
 *
 * Invariants:
 * 1. A process is reached by its name while it listens and lives; otherwise it refuses, or says nothing when its host is gone.
 * 2. What is done to a path holds for connections made later as well, until it is undone.
 */
export interface Network {
  /** @param at where else it listens than at its name: `${name}/...` */
  listen(process: SimProcess, accept: (channel: Channel) => void, at?: string): void;
  /** The address of a process is its name, or begins with it. */
  dialer(process: SimProcess): Dialer;
  /** Both ways, until `unblock`. */
  block(a: string, b: string): void;
  unblock(a: string, b: string): void;
  /** Makes the way between two processes slow; undefined: as it was. */
  slow(a: string, b: string, by: { readonly extraMs: number; readonly bytesPerMs: number } | undefined): void;
  /** Breaks whatever connections the two have. */
  cut(a: string, b: string): void;
  /** Breaks them, and `deaf` does not hear of it. */
  halfOpen(hears: string, deaf: string): void;
  /** The process has died. `heard`: its kernel tells its peers; else its host is gone, and silent from now on. */
  died(process: SimProcess, heard: boolean): void;
  /** A process has been paused, or goes on. */
  look(process: SimProcess): void;
  readonly mostBufferedBytes: number;
  readonly open: number;
}

/** As transport's: a handshake that nobody answers is given up. */
const handshakeMs = 10_000;

export function createNetwork(options: {
  readonly clock: VirtualClock;
  /** A stream of draws. */
  readonly random: (stream: string) => Random;
  readonly heartbeatMs: number;
  readonly codec: boolean;
  readonly onSend: ConnectionOptions["onSend"];
  readonly onArrive?: ConnectionOptions["onArrive"];
}): Network {
  const { clock } = options;
  const paths = new Map<string, Path>();
  const listeners = new Map<string, { process: SimProcess; accept: (channel: Channel) => void }>();
  /** Hosts without power: they do not even refuse. */
  const dark = new Set<string>();
  const connections = new Set<Connection>();
  let made = 0;
  const counts = new Map<string, number>();

  const pathOf = (from: string, to: string): Path => {
    const name = `${from}>${to}`;
    let path = paths.get(name);
    if (!path) {
      path = { blocked: false, extraMs: 0, bytesPerMs: Number.POSITIVE_INFINITY };
      paths.set(name, path);
    }
    return path;
  };
  const both = (a: string, b: string): [Path, Path] => [pathOf(a, b), pathOf(b, a)];
  const between = (a: string, b: string): Connection[] =>
    [...connections].filter(({ processes: [x, y] }) => namesMatch(x.name, y.name, a, b));
  const blockedBetween = (a: string, b: string): boolean => both(a, b).some(({ blocked }) => blocked);

  /** A stream of draws for each connection, so that one more elsewhere changes nothing here. */
  const attempt = (from: string, to: string): string => {
    const name = `${from}>${to}`;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return `connection ${name} ${count}`;
  };

  const setBlocked = (a: string, b: string, blocked: boolean): void => {
    for (const path of both(a, b)) path.blocked = blocked;
    for (const connection of between(a, b)) connection.look();
  };

  const connect = (process: SimProcess, to: string, name: string, random: Random): Channel => {
    const listener = listeners.get(to);
    if (!listener || listener.process.state === "dead") throw new ChannelRefused(to, "connection refused");
    const peer = nameIn(to);
    const connection = createConnection({
      id: (made += 1),
      name,
      clock,
      random,
      paths: both(process.name, peer),
      processes: [process, listener.process],
      heartbeatMs: options.heartbeatMs,
      codec: options.codec,
      onSend: options.onSend,
      onArrive: options.onArrive,
      onOver: () => connections.delete(connection),
    });
    connections.add(connection);
    listener.process.enter(() => listener.accept(connection.ends[1]));
    connection.look();
    return connection.ends[0];
  };

  return {
    listen(process, accept, at) {
      const { name } = process;
      listeners.set(at ?? name, { process, accept });
      dark.delete(name);
      if (at !== undefined) return;
      // Its earlier self's peers learn that it knows nothing of their connections as soon as they speak.
      for (const connection of connections) {
        if (!connection.processes.some((one) => one.name === name && one !== process)) continue;
        const delayMs = options.random(`reset ${name}`).between(1, 300);
        clock.after(
          delayMs,
          () => connection.reset(),
          () => ({ kind: "timer", isVoid: connection.over(), processes: [], way: `reset ${name}` }),
        );
      }
    },
    dialer: (process) => ({
      dial(to) {
        const peer = nameIn(to);
        const name = attempt(process.name, to);
        const random = options.random(name);
        return new Promise((resolve, reject) => {
          const answer = (): void => {
            if (process.state === "dead") return;
            try {
              resolve(connect(process, to, name, random));
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          };
          const arrive = (): void => {
            if (!dark.has(peer) && !blockedBetween(process.name, peer)) process.enter(answer);
            else
              clock.after(handshakeMs, () =>
                process.enter(() => reject(new ChannelRefused(to, "no answer to the handshake"))),
              );
          };
          clock.after(random.between(0.3, 2) + 2 * pathOf(process.name, peer).extraMs, arrive, () => ({
            ...{ kind: "dial", processes: [process.name, peer], way: `${name} dials` },
          }));
        });
      },
    }),
    block: (a, b) => setBlocked(a, b, true),
    unblock: (a, b) => setBlocked(a, b, false),
    slow(a, b, by) {
      for (const path of both(a, b)) {
        path.extraMs = by?.extraMs ?? 0;
        path.bytesPerMs = by?.bytesPerMs ?? Number.POSITIVE_INFINITY;
      }
    },
    cut(a, b) {
      for (const connection of between(a, b)) connection.cut();
    },
    halfOpen(hears, deaf) {
      for (const connection of between(hears, deaf))
        connection.halfOpen(connection.processes[0].name === hears ? 0 : 1);
    },
    died(process, heard) {
      if (!heard) dark.add(process.name);
      for (const connection of [...connections]) {
        const own = connection.processes.indexOf(process);
        if (own >= 0) connection.gone(own === 0 ? 0 : 1, heard);
        if (connection.over()) connections.delete(connection);
      }
    },
    look(process) {
      for (const connection of connections) if (connection.processes.includes(process)) connection.look();
    },
    get mostBufferedBytes() {
      let most = 0;
      for (const connection of connections) most = Math.max(most, connection.bufferedBytes());
      return most;
    },
    get open() {
      return connections.size;
    },
  };
}

/** Of the process that listens there. */
function nameIn(address: string): string {
  return address.split("/")[0] as string;
}

function namesMatch(x: string, y: string, a: string, b: string): boolean {
  return (x === a && y === b) || (x === b && y === a);
}
