import {
  type Channel,
  type CloseCode,
  closeCodes,
  type Dialer,
  type Message,
  ProtocolError,
} from "@latentweave/protocol";
import { isLoopbackHost } from "./host-identity.ts";

/*
 * Channels between two parts of one process, such as a worker and the shard beside it: no frame, no socket, no system
 * call. Everybody else reaches the same listener through its port.
 *
 * Invariants (1-4 are those of Channel in @latentweave/protocol):
 * 5. Nothing is delivered while somebody sends: what a message brings about begins when its sender has returned. Only
 *    `sendCopy` to a listener that is apart delivers within, so that what it is given need not be copied, where the other
 *    side is at rest: nothing came before it, and nothing is being delivered there.
 * 6. Memory that `stage` copied into is used again once its message was delivered, and not before.
 */

/** Who listens in this process. */
export interface InProcess {
  /**
   * The listener at this port of loopback is of this process.
   *
   * @param how `apart`: it allocates in no memory that slices given to it may be views of. Memory that grows leaves views
   *   of it empty, and whoever takes several slices allocates for the first.
   */
  listen(
    port: number,
    onChannel: (channel: Channel, path: string) => void,
    how?: { readonly apart: boolean },
  ): void;
  /** Reaches those who listen here without a socket, and everybody else through `beyond`. */
  dialer(beyond: Dialer): Dialer;
}

export function createInProcess(): InProcess {
  const listeners = new Map<
    number,
    { readonly onChannel: (channel: Channel, path: string) => void; readonly apart: boolean }
  >();
  return {
    listen: (port, onChannel, { apart } = { apart: false }) => void listeners.set(port, { onChannel, apart }),
    dialer: (beyond) => ({
      async dial(url) {
        const { hostname, port, pathname } = new URL(url);
        const listener = isLoopbackHost(hostname) ? listeners.get(Number(port)) : undefined;
        if (!listener) return beyond.dial(url);
        const [here, there] = channelPair(listener.apart);
        listener.onChannel(there, pathname);
        return here;
      },
    }),
  };
}

/** Two ends of one connection. @param apart as of `InProcess.listen` */
export function channelPair(apart = false): readonly [Channel, Channel] {
  const one = new End(apart);
  const other = new End(apart);
  one.connect(other);
  other.connect(one);
  return [one, other];
}

type Item =
  | {
      readonly kind: "message";
      readonly message: Message;
      readonly slices: readonly Uint8Array[];
      readonly lent?: ArrayBuffer;
    }
  | { readonly kind: "drained"; readonly resolve: () => void }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string };

/** A cache line, as in frames. */
const alignment = 64;
/** Buffers that wait to be used again: what one side sends while the other is still at the one before. */
const mostSpare = 2;

class End implements Channel {
  readonly remote = "this process";
  readonly local = true;
  readonly deliversWithin: boolean;
  readonly bufferedBytes = 0;
  #peer: End = this;
  /** What has come and was not delivered yet. */
  #items: Item[] = [];
  #delivering = false;
  #onMessage: ((message: Message, slices: readonly Uint8Array[]) => void) | undefined;
  #closeHandlers: ((code: number, reason: string) => void)[] = [];
  #closed: { readonly code: number; readonly reason: string } | undefined;
  #spare: ArrayBuffer[] = [];

  constructor(deliversWithin: boolean) {
    this.deliversWithin = deliversWithin;
  }

  connect(peer: End): void {
    this.#peer = peer;
  }

  send(message: Message, slices: readonly Uint8Array[] = []): void {
    if (!this.#closed) this.#peer.#take({ kind: "message", message, slices });
  }

  sendCopy(message: Message, slices: readonly Uint8Array[]): void {
    if (this.#closed || (this.deliversWithin && this.#peer.#deliverNow(message, slices))) return;
    this.stage(message, slices)?.();
  }

  stage(message: Message, slices: readonly Uint8Array[]): (() => void) | undefined {
    if (this.#closed) return undefined;
    const { lent, copies } = this.#copy(slices);
    return () => {
      if (!this.#closed) this.#peer.#take({ kind: "message", message, slices: copies, lent });
    };
  }

  async drained(): Promise<void> {
    if (this.#closed || this.#peer.#items.length === 0) return;
    const peer = this.#peer;
    await new Promise<void>((resolve) => peer.#take({ kind: "drained", resolve }));
  }

  close(code: CloseCode, reason: string): void {
    if (this.#closed) return;
    this.#peer.#take({ kind: "closed", code, reason });
    this.#settle(code, reason);
  }

  onMessage(handler: (message: Message, slices: readonly Uint8Array[]) => void): void {
    this.#onMessage = handler;
    this.#deliverSoon();
  }

  onClose(handler: (code: number, reason: string) => void): void {
    const closed = this.#closed;
    if (closed) queueMicrotask(() => handler(closed.code, closed.reason));
    else this.#closeHandlers.push(handler);
  }

  #take(item: Item): void {
    if (this.#closed) {
      if (item.kind === "drained") item.resolve();
      return;
    }
    this.#items.push(item);
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#delivering || !this.#canDeliver) return;
    this.#delivering = true;
    queueMicrotask(() => {
      try {
        while (this.#canDeliver) this.#deliverNext();
      } finally {
        this.#delivering = false;
        // A handler that threw leaves the rest to the next turn.
        this.#deliverSoon();
      }
    });
  }

  /** @returns whether it was */
  #deliverNow(message: Message, slices: readonly Uint8Array[]): boolean {
    if (this.#closed || this.#delivering || this.#items.length > 0 || !this.#onMessage) return false;
    this.#delivering = true;
    try {
      this.#deliver(message, slices);
    } catch (error) {
      // Not the sender's mistake.
      queueMicrotask(() => {
        throw error;
      });
    } finally {
      this.#delivering = false;
      this.#deliverSoon();
    }
    return true;
  }

  /** What comes before there is a handler waits, and what came after it too. */
  get #canDeliver(): boolean {
    const [item] = this.#items;
    return item !== undefined && (item.kind !== "message" || this.#onMessage !== undefined);
  }

  #deliverNext(): void {
    const item = this.#items.shift() as Item;
    switch (item.kind) {
      case "message":
        this.#deliver(item.message, item.slices);
        if (item.lent) this.#peer.#takeBack(item.lent);
        return;
      case "drained":
        item.resolve();
        return;
      case "closed":
        this.#settle(item.code, item.reason);
        return;
    }
  }

  #deliver(message: Message, slices: readonly Uint8Array[]): void {
    try {
      this.#onMessage?.(message, slices);
    } catch (error) {
      // The engine found the message wrong where it stands. Anything else is our own mistake.
      if (!(error instanceof ProtocolError)) throw error;
      this.close(closeCodes.protocolError, error.message);
    }
  }

  #settle(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = { code, reason };
    this.#onMessage = undefined;
    for (const item of this.#items.splice(0)) if (item.kind === "drained") item.resolve();
    this.#spare = [];
    const handlers = this.#closeHandlers.splice(0);
    queueMicrotask(() => {
      for (const handler of handlers) handler(code, reason);
    });
  }

  #copy(slices: readonly Uint8Array[]): { readonly lent: ArrayBuffer; readonly copies: Uint8Array[] } {
    const starts: number[] = [];
    let bytes = 0;
    for (const { length } of slices) {
      starts.push(bytes);
      bytes += Math.ceil(length / alignment) * alignment;
    }
    const lent = this.#bufferOf(bytes);
    const copies = slices.map((slice, i) => {
      const copy = new Uint8Array(lent, starts[i], slice.length);
      copy.set(slice);
      return copy;
    });
    return { lent, copies };
  }

  #bufferOf(bytes: number): ArrayBuffer {
    const found = this.#spare.find(({ byteLength }) => byteLength >= bytes);
    // Where none is large enough for what is sent now, they will not be for what follows.
    this.#spare = found ? this.#spare.filter((other) => other !== found) : [];
    return found ?? new ArrayBuffer(bytes);
  }

  #takeBack(buffer: ArrayBuffer): void {
    if (!this.#closed && this.#spare.length < mostSpare) this.#spare.push(buffer);
  }
}
