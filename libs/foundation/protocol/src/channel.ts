import type { Message } from "./messages.ts";

/**
 * One ordered, reliable, message-oriented connection between two processes. The WebSocket transport and the
 * simulator implement it; engines know nothing else of the network.
 *
 * Invariants:
 * 1. Messages of one channel arrive in the order in which they were sent, each at most once, whole or not at all; where
 *    the way between has damaged, lost, repeated or moved one, the channel closes with `damaged` instead.
 * 2. After `onClose` has fired nothing more is delivered, and `send` does nothing.
 * 3. Slices handed to `send` belong to the channel until `drained()` resolves: the sender must not overwrite them.
 * 4. Slices delivered to `onMessage` may be views of a receive buffer: they are valid during the call only, unless copied.
 */
export interface Channel {
  /** For logs: the peer's address, or its name in the simulator. */
  readonly remote: string;
  /** True when the peer is on this host, so that direct addresses and paths may be given to it. */
  readonly local: boolean;
  /** What `sendCopy` is given may be delivered before it returns: the peer is a part of this process. */
  readonly deliversWithin?: boolean;
  /** Bytes handed to `send` that have not left yet. */
  readonly bufferedBytes: number;
  send(message: Message, slices?: readonly Uint8Array[]): void;
  /** As `send`, but the slices are the caller's again when it returns: they may be views of what is about to change. */
  sendCopy(message: Message, slices: readonly Uint8Array[]): void;
  /**
   * The first half of `send`, through memory that both processes share: the slices are taken, and are the caller's again
   * when it returns, so they may be views of what is about to change.
   * @returns the other half, to be called before anything else is sent on this channel: the message leaves; undefined
   *   where there is no such memory, or no room in it: nothing was taken
   */
  stage(message: Message, slices: readonly Uint8Array[]): (() => void) | undefined;
  /** Resolves when everything sent so far has left this process (or the channel has closed). */
  drained(): Promise<void>;
  close(code: CloseCode, reason: string): void;
  onMessage(handler: (message: Message, slices: readonly Uint8Array[]) => void): void;
  onClose(handler: (code: number, reason: string) => void): void;
}

/** WebSocket close codes that we send; the text of each is in docs/protocol.md. */
export const closeCodes = {
  done: 1000,
  goingAway: 1001,
  protocolError: 4000,
  wrongVersion: 4001,
  wrongToken: 4002,
  wrongRun: 4003,
  wrongClass: 4004,
  frameTooLarge: 4005,
  replaced: 4006,
  heartbeatMissed: 4007,
  overloaded: 4008,
  damaged: 4009,
} as const;

export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes];

/** Opens channels; `dial` keeps no state: reconnecting, with back-off and jitter, is the engine's decision. */
export interface Dialer {
  /** @throws ChannelRefused when no connection could be made. */
  dial(url: string): Promise<Channel>;
}

/** No connection could be made, or the peer refused it with a close code. */
export class ChannelRefused extends Error {
  override readonly name = "ChannelRefused";
  readonly code: number | undefined;
  constructor(url: string, reason: string, code?: number) {
    super(`${url}: ${reason}`);
    this.code = code;
  }
}
