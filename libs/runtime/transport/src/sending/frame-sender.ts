import type { Socket } from "node:net";
import { encodeFrame, FrameError, frameBytes, type SharedMemory } from "@latentweave/protocol";
import type { WebSocket } from "ws";
import { checksum } from "../checksum.ts";
import { offer } from "../memory/memory-words.ts";
import { OutgoingMemory } from "../memory/outgoing-memory.ts";
import type { MessageMemory } from "../message-memory.ts";
import { coalesce } from "./coalesce.ts";

/*
 * Owns: number, order and fate of the frames that one side of a connection sends, and the memory that their slices are
 * in until they have left. Does not own: whether the channel is open, which its callers ask first.
 *
 * Invariants:
 * 1. Frames are numbered in the order in which they are given to the WebSocket; one that is refused has no number.
 * 2. What a frame was copied into is lent until it has left, or was refused.
 */

export interface FrameSenderOptions {
  readonly maxFrameBytes: number;
  readonly maxBufferedBytes: number;
  /** Where slices are copied that may change once they are sent. */
  readonly copies: MessageMemory;
  /** Memory for large slices, where this process and the peer share some. */
  readonly shared: SharedMemory | undefined;
  /** More than `maxBufferedBytes` wait for a peer that does not read them. */
  readonly onOverload: (bufferedBytes: number) => void;
  readonly log: (line: string) => void;
}

/** Where the slices of a frame are. */
interface Placing {
  /** Handed over already: in shared memory, from there on. */
  readonly outsideAt?: number | undefined;
  /** They may change as soon as they are sent. */
  readonly copied?: boolean;
}

export class FrameSender {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #options: FrameSenderOptions;
  readonly #shared: OutgoingMemory | undefined;
  #sent = 0;
  #left = 0;
  #waiting: { readonly until: number; readonly resolve: () => void }[] = [];

  constructor(webSocket: WebSocket, socket: Socket, options: FrameSenderOptions) {
    const { shared, log } = options;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#options = options;
    this.#shared = shared && new OutgoingMemory(shared, (name) => this.send(offer(name), []), log);
  }

  /** @returns where the slices lie in shared memory; undefined where they must go with the frame */
  place(slices: readonly Uint8Array[]): number | undefined {
    return this.#shared?.give(slices);
  }

  /** @throws FrameError when the frame would be larger than agreed */
  send(message: object, slices: readonly Uint8Array[], { outsideAt, copied = false }: Placing = {}): void {
    const { maxFrameBytes, maxBufferedBytes, copies, onOverload } = this.#options;
    let lent: Uint8Array | undefined;
    const memory = copied ? (bytes: number) => (lent = copies.take(bytes)) : undefined;
    const pieces = coalesce(
      encodeFrame(message, slices, { sequence: this.#sent, crc32: checksum, outsideAt, memory }),
    );
    const totalBytes = frameBytes(pieces);
    if (totalBytes > maxFrameBytes) {
      if (lent) copies.give(lent);
      throw new FrameError(
        "tooLarge",
        `"${"type" in message ? String(message.type) : "?"}" of ${totalBytes} bytes, at most ${maxFrameBytes} agreed`,
      );
    }
    this.#sent += 1;
    const left = (): void => {
      if (lent) copies.give(lent);
      this.#oneLeft();
    };
    const last = pieces.length - 1;
    // Each piece is a fragment with a header of its own: together they are one call of the system.
    this.#socket.cork();
    pieces.forEach((piece, i) => {
      if (i < last) this.#webSocket.send(piece, { binary: true, fin: false });
      else this.#webSocket.send(piece, { binary: true, fin: true }, left);
    });
    this.#socket.uncork();
    const buffered = this.#webSocket.bufferedAmount;
    if (buffered > maxBufferedBytes) onOverload(buffered);
  }

  /** Resolves when all that was sent until now has left, or the channel has closed. */
  drained(): Promise<void> {
    if (this.#left === this.#sent) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ until: this.#sent, resolve }));
  }

  /** The peer has opened the memory that was offered, or says why it cannot. */
  answered(refusal: string | undefined): void {
    this.#shared?.answered(refusal);
  }

  close(): void {
    this.#shared?.close();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #oneLeft(): void {
    this.#left += 1;
    const ready = this.#waiting.filter((waiter) => waiter.until <= this.#left);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => waiter.until > this.#left);
    for (const { resolve } of ready) resolve();
  }
}
