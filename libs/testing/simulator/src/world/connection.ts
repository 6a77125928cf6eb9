import type { Channel, Message } from "@latentweave/protocol";
import type { VirtualClock } from "../virtual-clock.ts";
import { createEnd, type End } from "./connection-end.ts";
import type { SimProcess } from "./process.ts";
import type { Random } from "./random.ts";

/** What happens to messages on their way from one process to another; shared by all connections between them. */
export interface Path {
  /** Nothing gets through; TCP keeps it and tries again. */
  blocked: boolean;
  /** Added to each message's way. */
  extraMs: number;
  /** Infinite where the link is not the bottleneck. */
  bytesPerMs: number;
}

/** What is about to be sent, as a look-out sees it. It may answer with other messages in its place. */
export interface Outgoing {
  readonly from: string;
  readonly to: string;
  /** Which of the connections between the two. */
  readonly connection: number;
  /** Whether the sender is still there: what looks on may end it. */
  readonly isAlive: () => boolean;
  readonly message: Message;
  readonly slices: readonly Uint8Array[];
}

export interface ConnectionOptions {
  readonly id: number;
  /** The same in every order of other connections' beginnings. */
  readonly name: string;
  readonly clock: VirtualClock;
  readonly random: Random;
  /** By the index of the end that sends. */
  readonly paths: readonly [Path, Path];
  readonly processes: readonly [SimProcess, SimProcess];
  readonly heartbeatMs: number;
  /** Every message through the codec and its checks, as over a real connection. */
  readonly codec: boolean;
  readonly onSend: (outgoing: Outgoing) => readonly Pick<Outgoing, "message" | "slices">[];
  /** What a faulty receiver makes of a message when it arrives. */
  readonly onArrive: ((to: string, message: Message) => Message) | undefined;
  readonly onOver: () => void;
}

/** What a simulated connection can be made to suffer, besides being used. */
export interface Connection {
  readonly ends: readonly [Channel, Channel];
  readonly processes: readonly [SimProcess, SimProcess];
  /** The connection breaks: of what is on its way a part arrives, and each side hears of it in its own time. */
  cut(): void;
  /** One side loses the connection at once, the other does not hear of it until its heartbeat says so. */
  halfOpen(hears: 0 | 1): void;
  /** The process of that end is gone. `heard`: its kernel says so to the peer (kill -9); else its host is gone too. */
  gone(end: 0 | 1, heard: boolean): void;
  /** Something about a path or a process has changed. */
  look(): void;
  /** What is left of the connection is lost: the peer's host is up again and knows nothing of it. */
  reset(): void;
  over(): boolean;
  bufferedBytes(): number;
}

export function createConnection(options: ConnectionOptions): Connection {
  const { paths, processes } = options;
  const a: End = createEnd(options, 0, () => b);
  const b: End = createEnd(options, 1, () => a);
  const ends = [a, b] as const;
  const peerOf = (own: 0 | 1): End => (own === 0 ? b : a);

  const look = (): void => {
    for (const own of [0, 1] as const) {
      const other = own === 0 ? 1 : 0;
      ends[own].look();
      ends[own].listen(!paths[other].blocked && processes[other].state === "running" && !ends[other].severed);
    }
  };

  return {
    ends: [a.channel, b.channel],
    processes,
    cut() {
      for (const end of ends) end.sever(true, "connection lost");
    },
    halfOpen(hears) {
      for (const end of ends) end.sever(false, "");
      ends[hears].lose("connection lost");
      look();
    },
    gone(own, heard) {
      ends[own].sever(heard, "connection reset by peer");
      peerOf(own).sever(false, "");
      look();
    },
    look,
    reset() {
      for (const end of ends) end.lose("connection reset");
    },
    over: () => a.over() && b.over(),
    bufferedBytes: () => Math.max(a.waitingBytes, b.waitingBytes),
  };
}
