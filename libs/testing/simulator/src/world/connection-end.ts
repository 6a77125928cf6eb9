import {
  type Channel,
  type CloseCode,
  closeCodes,
  decodeFrame,
  encodeFrame,
  type Message,
  parseMessage,
} from "@latentweave/protocol";
import type { Label } from "../virtual-clock.ts";
import type { ConnectionOptions } from "./connection.ts";

/** What travels. `closed` answers `close`; `lost` is the word of a kernel, not of the peer. */
export type Item =
  | {
      readonly kind: "message";
      readonly message: Message;
      readonly slices: readonly Uint8Array[];
      readonly bytes: number;
    }
  | { readonly kind: "close"; readonly code: number; readonly reason: string }
  | { readonly kind: "closed" }
  | { readonly kind: "lost"; readonly reason: string };

interface Placed {
  readonly item: Item;
  arriveMs: number;
  readonly saidIn: number | undefined;
}

/** A header's worth, for the time on the wire and the bounds of queues. */
const headerBytes = 100;
/** What a kernel takes without the sender's waiting for it. */
const kernelBytes = 4_096;
/** As transport's: after a close was asked for, the peer has this long to answer. */
const closeGraceMs = 2_000;
/** As transport's: silence of two to three heartbeats is the peer's end. */
const silentBeats = 2;

/** One side of a connection, as its process and the wire see it. */
export interface End {
  readonly channel: Channel;
  /** What is sent from here reaches nobody. */
  readonly severed: boolean;
  /** Bytes that wait for the wire. */
  readonly waitingBytes: number;
  over(): boolean;
  /** Something has arrived. */
  take(item: Item): void;
  /** The peer hears nothing more, but for a part of what is on its way; `told`: and then that the connection is lost. */
  sever(told: boolean, reason: string): void;
  /** This side loses the connection now. */
  lose(reason: string): void;
  /** The path may be free again. */
  look(): void;
  /** Whether anything comes from the peer: if not, this end closes after some heartbeats. */
  listen(heard: boolean): void;
}

function kindOf(placed: Placed | undefined): Label["kind"] {
  const { item } = placed ?? {};
  if (item?.kind !== "message") return "message";
  const { type } = item.message;
  return type === "finish"
    ? "goodbye"
    : type === "worker-report" || type === "shard-report"
      ? "report"
      : "message";
}

export function createEnd(options: ConnectionOptions, own: 0 | 1, peer: () => End): End {
  const { clock, random, paths, processes, heartbeatMs } = options;
  const process = processes[own];
  const peerProcess = processes[own === 0 ? 1 : 0];
  const path = paths[own];
  const way = `${options.name} ${process.name} > ${peerProcess.name}`;
  let phase: "open" | "closing" | "closed" = "open";
  let closedWith = { code: 1006, reason: "connection lost" };
  let onMessage: Parameters<Channel["onMessage"]>[0] | undefined;
  let closeHandlers: Parameters<Channel["onClose"]>[0][] = [];
  let early: Extract<Item, { kind: "message" }>[] = [];
  let waiting: (() => void)[] = [];
  /** On the way to the peer, in order. */
  const pipe: Placed[] = [];
  let pipeBytes = 0;
  let lastArrivalMs = 0;
  let moving: (() => void) | undefined;
  let silence: (() => void) | undefined;

  const wayMs = (bytes: number): number => {
    // Mostly quick, now and then a message that everything behind it waits for.
    const base = random.chance(0.04) ? random.between(2, 12) : random.between(0.1, 1.2);
    return base + path.extraMs + (path.bytesPerMs === Number.POSITIVE_INFINITY ? 0 : bytes / path.bytesPerMs);
  };

  const push = (item: Item): void => {
    const bytes = item.kind === "message" ? item.bytes : headerBytes;
    lastArrivalMs = Math.max(lastArrivalMs, clock.nowMs() + wayMs(bytes));
    pipe.push({ item, arriveMs: lastArrivalMs, saidIn: clock.said?.(process.name) });
    carry(bytes);
    move();
  };

  // Kept as fields, for V8 makes a dictionary of a literal with getters, and every message goes through these two.
  const carry = (bytes: number): void => {
    pipeBytes += bytes;
    end.waitingBytes = Math.max(0, pipeBytes - kernelBytes);
    channel.bufferedBytes = phase === "open" ? end.waitingBytes : 0;
  };
  const leave = (next: "closing" | "closed"): void => {
    phase = next;
    channel.bufferedBytes = 0;
  };

  const drop = (keep: number): void => {
    for (const { item } of pipe.splice(keep)) carry(item.kind === "message" ? -item.bytes : -headerBytes);
  };

  /** One event per message, so that everything else may happen between any two. */
  const move = (): void => {
    const head = pipe[0];
    if (moving || !head || path.blocked) return;
    const arrive = (): void => {
      moving = undefined;
      if (path.blocked) return;
      const arrived = pipe.shift();
      if (!arrived) return;
      carry(arrived.item.kind === "message" ? -arrived.item.bytes : -headerBytes);
      if (pipeBytes <= kernelBytes) wakeSenders();
      if (peerProcess.state !== "dead") peerProcess.enter(() => peer().take(arrived.item));
      move();
    };
    const label = (): Label => {
      const kind = kindOf(pipe[0]);
      const processes = [peerProcess.name];
      // The sender may wait for room; and who is told that the run is over is there no more for another coordinator.
      if (waiting.length > 0 || kind === "goodbye") processes.push(process.name);
      return {
        kind,
        processes,
        way,
        isVoid: peerProcess.state === "dead",
        from: process.name,
        saidIn: pipe[0]?.saidIn,
      };
    };
    moving = clock.after(head.arriveMs - clock.nowMs(), arrive, label);
  };

  const wakeSenders = (): void => {
    if (waiting.length === 0) return;
    const woken = waiting;
    waiting = [];
    process.enter(() => {
      for (const wake of woken) wake();
    });
  };

  const settle = (code: number, reason: string): void => {
    if (phase === "closed") return;
    leave("closed");
    end.severed = true;
    closedWith = { code, reason };
    silence?.();
    silence = undefined;
    onMessage = undefined;
    early = [];
    for (const wake of waiting.splice(0)) wake();
    const handlers = closeHandlers;
    closeHandlers = [];
    for (const handler of handlers) handler(code, reason);
    if (peer().over()) options.onOver();
  };

  const deliver = ({ message, slices }: Extract<Item, { kind: "message" }>): void => {
    if (phase !== "open") return;
    onMessage?.(options.onArrive?.(process.name, message) ?? message, slices);
    // Received bytes are the receiver's during the call alone (Channel, invariant 4).
    for (const slice of slices) slice.fill(0xff);
  };

  const take = (item: Item): void => {
    if (phase === "closed") return;
    switch (item.kind) {
      case "message":
        if (phase !== "open") return;
        if (onMessage && early.length === 0) deliver(item);
        else early.push(item);
        return;
      case "close":
        if (phase === "open") {
          leave("closing");
          push({ kind: "closed" });
          settle(item.code, item.reason);
        } else settle(closedWith.code, closedWith.reason);
        return;
      case "closed":
        settle(closedWith.code, closedWith.reason);
        return;
      case "lost":
        if (phase === "closing") settle(closedWith.code, closedWith.reason);
        else settle(1006, item.reason);
    }
  };

  const sendOne = (message: Message, slices: readonly Uint8Array[]): void => {
    let bytes = headerBytes;
    for (const slice of slices) bytes += slice.byteLength;
    const frame = options.codec ? decodeFrame(Buffer.concat(encodeFrame(message, slices))) : undefined;
    push({
      kind: "message",
      message: frame ? parseMessage(frame.message) : message,
      slices: (frame?.slices ?? slices).map((slice) => slice.slice()),
      bytes,
    });
  };

  const isAlive = (): boolean => process.state !== "dead";
  const channel: Channel & { bufferedBytes: number } = {
    remote: peerProcess.name,
    // Paths and addresses are the same for all; only who is of another host than the coordinator could relay.
    local: false,
    bufferedBytes: 0,
    send(message, slices = []) {
      if (phase !== "open" || process.state === "dead") return;
      const outgoing = options.onSend({
        from: process.name,
        to: peerProcess.name,
        connection: options.id,
        isAlive,
        message,
        slices,
      });
      if (end.severed) return;
      for (const one of outgoing) sendOne(one.message, one.slices);
    },
    sendCopy(message, slices) {
      this.stage(message, slices)?.();
    },
    // Copied at once, as into shared memory.
    stage(message, slices) {
      const copies = slices.map((slice) => slice.slice());
      return () => this.send(message, copies);
    },
    async drained() {
      if (phase !== "open" || end.severed || pipeBytes <= kernelBytes) return;
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
    close(code: CloseCode, reason) {
      if (phase !== "open" || process.state === "dead") return;
      leave("closing");
      closedWith = { code, reason };
      if (!end.severed) push({ kind: "close", code, reason });
      clock.after(closeGraceMs, () => process.enter(() => settle(code, reason)));
    },
    onMessage(handler) {
      onMessage = handler;
      if (early.length === 0) return;
      queueMicrotask(() => {
        process.enter(() => {
          for (let next = early.shift(); next; next = early.shift()) deliver(next);
        });
      });
    },
    onClose(handler) {
      if (phase !== "closed") closeHandlers.push(handler);
      else queueMicrotask(() => process.enter(() => handler(closedWith.code, closedWith.reason)));
    },
  };

  const end: End & { waitingBytes: number; severed: boolean } = {
    channel,
    waitingBytes: 0,
    severed: false,
    take,
    over: () => phase === "closed" || process.state === "dead",
    sever(told, reason) {
      if (end.severed && !told) return;
      end.severed = true;
      drop(random.chance(0.5) ? pipe.length : random.int(pipe.length + 1));
      if (told) push({ kind: "lost", reason });
    },
    lose: (reason) => process.enter(() => settle(1006, reason)),
    look() {
      const head = pipe[0];
      if (head && !moving && !path.blocked) {
        // What was held back is sent once more.
        head.arriveMs = Math.max(head.arriveMs, clock.nowMs() + wayMs(headerBytes));
        move();
      }
    },
    listen(heard) {
      if (heard || phase === "closed") {
        silence?.();
        silence = undefined;
        return;
      }
      const wait = (): void => {
        silence = clock.after(heartbeatMs * (silentBeats + random.next()), () => {
          silence = undefined;
          if (process.state === "dead" || phase === "closed") return;
          // A process that stood still itself says nothing about its peer.
          if (process.state === "paused") wait();
          else
            process.enter(() => {
              push({ kind: "lost", reason: "connection reset" });
              settle(closeCodes.heartbeatMissed, `nothing heard for ${silentBeats + 1} heartbeats`);
            });
        });
      };
      if (!silence) wait();
    },
  };
  return end;
}
