import type { Socket } from "node:net";
import type { Clock } from "@latentweave/protocol";
import type { Pacer } from "./pacer.ts";

/*
 * Owns: everything on its way to one socket, in order: when it leaves, and whether it does. Does not own: what is sent.
 *
 * Invariants:
 * 1. Bytes leave in the order in which they were given.
 * 2. In a black hole bytes vanish at the moment at which they would leave; ends wait until it is lifted.
 * 3. At most one timer is set, and none after `drop`.
 */

/** What all connections of a proxy share in one direction. */
export interface Link {
  readonly pacer: Pacer | undefined;
  readonly isBlackhole: boolean;
  readonly onVanished: () => void;
  readonly onPaced: () => void;
}

type Leaving =
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly dueMs: number }
  | { readonly kind: "end"; readonly dueMs: number; readonly then: () => void };

/** Small enough to share a slow link, large enough to cost nothing on a fast one. */
const pacedBytes = 8 * 1024;

export class Outlet {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #link: () => Link;
  readonly #onRoom: () => void;
  #queue: Leaving[] = [];
  #queuedBytes = 0;
  #lastDueMs = 0;
  #cancelTimer: (() => void) | undefined;
  #isBlocked = false;
  #isDropped = false;

  /** @param onRoom called when bytes have left */
  constructor(socket: Socket, clock: Clock, link: () => Link, onRoom: () => void) {
    this.#socket = socket;
    this.#clock = clock;
    this.#link = link;
    this.#onRoom = onRoom;
    socket.on("drain", () => {
      this.#isBlocked = false;
      this.pump();
    });
  }

  /** Given and not yet gone. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(bytes: Buffer, delayMs = 0): void {
    if (bytes.length === 0) return;
    this.#queuedBytes += bytes.length;
    this.#queue.push({ kind: "bytes", bytes, dueMs: this.#due(delayMs) });
    this.pump();
  }

  /** @param then called when everything before has left */
  end(then: () => void): void {
    this.#queue.push({ kind: "end", dueMs: this.#due(0), then });
    this.pump();
  }

  /** Nothing leaves any more. */
  drop(): void {
    this.#isDropped = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Lets go whatever may leave now. To be called when the link has changed. */
  pump(): void {
    while (!this.#isDropped && this.#cancelTimer === undefined && !this.#isBlocked) {
      const next = this.#queue[0];
      if (next === undefined) return;
      const nowMs = this.#clock.nowMs();
      if (next.dueMs > nowMs) return this.#wait(next.dueMs - nowMs);
      const { isBlackhole, pacer, onVanished, onPaced } = this.#link();
      if (next.kind === "end") {
        if (isBlackhole) return;
        this.#queue.shift();
        next.then();
      } else if (isBlackhole) {
        onVanished();
        this.#took(next.bytes.length);
      } else if (pacer === undefined) {
        this.#write(next.bytes);
      } else {
        onPaced();
        const piece = next.bytes.subarray(0, pacedBytes);
        const passedMs = pacer.reserve(piece.length, nowMs);
        this.#write(piece);
        this.#wait(passedMs - nowMs);
      }
    }
  }

  #write(bytes: Buffer): void {
    if (!this.#socket.destroyed) this.#isBlocked = !this.#socket.write(bytes);
    this.#took(bytes.length);
  }

  #took(bytes: number): void {
    const next = this.#queue[0];
    if (next?.kind !== "bytes") return;
    this.#queuedBytes -= bytes;
    if (next.bytes.length === bytes) this.#queue.shift();
    else this.#queue[0] = { ...next, bytes: next.bytes.subarray(bytes) };
    this.#onRoom();
  }

  #due(delayMs: number): number {
    this.#lastDueMs = Math.max(this.#lastDueMs, this.#clock.nowMs() + delayMs);
    return this.#lastDueMs;
  }

  #wait(delayMs: number): void {
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.pump();
    });
  }
}
