import type { Socket } from "node:net";
import {
  type Channel,
  type Clock,
  type CloseCode,
  closeCodes,
  decodeFrame,
  FrameError,
  type Message,
  ProtocolError,
  type SharedMemory,
} from "@latentweave/protocol";
import { WebSocket } from "ws";
import { checksum } from "./checksum.ts";
import { beat, type Heard, type HeartbeatState, startHeartbeat } from "./heartbeat.ts";
import { IncomingMemory } from "./memory/incoming-memory.ts";
import { answer, type MemoryWord, readWord } from "./memory/memory-words.ts";
import { MessageMemory } from "./message-memory.ts";
import { MessageReader } from "./reading/message-reader.ts";
import { divert } from "./reading/socket-reads.ts";
import { FrameSender } from "./sending/frame-sender.ts";

/*
 * Owns: one open WebSocket, its life and its heartbeat, and what comes of it. Does not own: handshakes (dialer.ts,
 * server.ts), what becomes of frames on their way out (sending), the meaning of messages, reconnecting (reconnect.ts).
 *
 * Invariants (1-4 are those of Channel in @latentweave/protocol):
 * 5. Messages that come before there is a handler are kept, and the socket is not read on until they are delivered.
 * 6. `settle` is the only way to the closed state; it runs once, frees the timer and wakes everyone who waits.
 * 7. What a peer sends can close its own channel, with one line in the log, and do nothing else.
 * 8. A frame is delivered only where its checksum holds and all frames before it came: `#receivedMessages` counts them.
 * 9. Slices in shared memory are counted as taken only after their message was delivered, or copied to wait for that.
 */

export interface ChannelOptions {
  readonly clock: Clock;
  /** @throws ProtocolError */
  readonly parseMessage: (value: unknown) => Message;
  readonly maxFrameBytes: number;
  readonly maxBufferedBytes: number;
  readonly heartbeatMs: number;
  /** How long the peer took to answer a heartbeat. */
  readonly onRoundTrip?: ((ms: number) => void) | undefined;
  /** A heartbeat of the peer has come: what its clock showed when it was sent. */
  readonly onHeartbeat?: ((peerMs: number) => void) | undefined;
  readonly log: (line: string) => void;
}

/** Memory for large slices, where this process and the peer have said that they can share some. */
export type ChannelMemory = SharedMemory | undefined;

export interface Peer {
  readonly remote: string;
  readonly local: boolean;
  /** It opened the connection, so its frames are masked. */
  readonly dialled: boolean;
}

/** All connections of the process put their messages together in it. */
const messageMemory = new MessageMemory();

/** After a close was asked for, the peer has this long to answer it before the socket is taken away. */
const closeGraceMs = 2_000;
/** A close frame holds 125 bytes, two of which are the code. */
const maxReasonBytes = 123;
const pingBytes = 8;

type ChannelState =
  | { readonly phase: "open"; readonly heartbeat: HeartbeatState; readonly cancelBeat: () => void }
  | {
      readonly phase: "closing";
      readonly code: number;
      readonly reason: string;
      readonly cancelKill: () => void;
    }
  | { readonly phase: "closed"; readonly code: number; readonly reason: string };

interface Received {
  readonly message: Message;
  readonly slices: readonly Uint8Array[];
  /** The slices are views of shared memory. */
  readonly outside?: boolean;
}

type MessageHandler = (message: Message, slices: readonly Uint8Array[]) => void;
type CloseHandler = (code: number, reason: string) => void;

export class WebSocketChannel implements Channel {
  readonly remote: string;
  readonly local: boolean;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #options: ChannelOptions;
  readonly #closeHandlers: CloseHandler[] = [];
  #state: ChannelState;
  #onMessage: MessageHandler | undefined;
  /** Received, not yet delivered; the socket is paused as long as there are any. */
  #early: Received[] = [];
  /** Frames accepted so far: the sequence number of the next one. */
  #receivedMessages = 0;
  /** Messages, pings and pongs that could be read, wrong ones too. */
  #understood = 0;
  readonly #sender: FrameSender;
  readonly #incoming: IncomingMemory | undefined;
  readonly #reader: MessageReader;

  /** @param webSocket one that has just been opened by `dialer.ts` or `server.ts`: nothing was read from it yet */
  constructor(
    webSocket: WebSocket,
    socket: Socket,
    peer: Peer,
    options: ChannelOptions,
    memory?: ChannelMemory,
  ) {
    this.#sender = new FrameSender(webSocket, socket, {
      ...{ maxFrameBytes: options.maxFrameBytes, maxBufferedBytes: options.maxBufferedBytes },
      ...{ copies: messageMemory, shared: memory },
      onOverload: (bytes) => this.#overloaded(bytes),
      log: (line) => options.log(`${peer.remote}: ${line}`),
    });
    this.#incoming = memory && new IncomingMemory(memory);
    this.remote = peer.remote;
    this.local = peer.local;
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#options = options;
    // The library gets what the reader does not take.
    const library = socket.listeners("data");
    this.#reader = new MessageReader(peer.dialled, options.maxFrameBytes, messageMemory, checksum, {
      message: (bytes, sum) => this.#receive(bytes, sum),
      rest: (bytes) => {
        const copy = Buffer.from(bytes);
        for (const listener of library) listener.call(socket, copy);
      },
      tooLarge: () => this.#reject(closeCodes.frameTooLarge, this.#overLimit),
    });
    divert(socket, this.#reader);
    webSocket.on("message", () => this.#receive(undefined));
    webSocket.on("ping", (sent) => this.#pinged(sent));
    webSocket.on("pong", (sent) => this.#answered(sent));
    webSocket.on("error", (error) => this.#failed(error));
    webSocket.on("close", (code, reason) => this.#closedByWebSocket(code, reason.toString("utf8")));
    this.#state = this.#open(startHeartbeat(options.clock.nowMs(), this.#heard()));
  }

  get bufferedBytes(): number {
    return this.#state.phase === "open" ? this.#webSocket.bufferedAmount : 0;
  }

  send(message: Message, slices: readonly Uint8Array[] = []): void {
    if (this.#isOpen) this.#sender.send(message, slices, { outsideAt: this.#sender.place(slices) });
  }

  sendCopy(message: Message, slices: readonly Uint8Array[]): void {
    if (!this.#isOpen) return;
    const outsideAt = this.#sender.place(slices);
    this.#sender.send(message, slices, { outsideAt, copied: outsideAt === undefined });
  }

  stage(message: Message, slices: readonly Uint8Array[]): (() => void) | undefined {
    const outsideAt = this.#isOpen ? this.#sender.place(slices) : undefined;
    if (outsideAt === undefined) return undefined;
    return () => {
      if (this.#isOpen) this.#sender.send(message, slices, { outsideAt });
    };
  }

  get #isOpen(): boolean {
    return this.#state.phase === "open" && this.#webSocket.readyState === WebSocket.OPEN;
  }

  #overloaded(bytes: number): void {
    this.#options.log(`${this.remote}: ${bytes} bytes wait for a peer that does not read them; closed`);
    this.#kill(closeCodes.overloaded, `${bytes} bytes unread`);
  }

  drained(): Promise<void> {
    return this.#state.phase === "open" ? this.#sender.drained() : Promise.resolve();
  }

  close(code: CloseCode, reason: string): void {
    if (this.#state.phase !== "open") return;
    this.#state.cancelBeat();
    const cancelKill = this.#options.clock.after(closeGraceMs, () => this.#webSocket.terminate());
    this.#state = { phase: "closing", code, reason, cancelKill };
    // Only a reading socket sees the peer's answer.
    this.#webSocket.resume();
    this.#webSocket.close(code, shortened(reason));
  }

  /** One handler; a later one takes the place of the earlier. */
  onMessage(handler: MessageHandler): void {
    this.#onMessage = handler;
    // Not at once: the caller has not got further than this line.
    if (this.#early.length > 0) queueMicrotask(() => this.#deliverEarly());
  }

  /** Any number of handlers; where the channel has closed already, the handler is called soon. */
  onClose(handler: CloseHandler): void {
    const state = this.#state;
    if (state.phase === "closed") queueMicrotask(() => handler(state.code, state.reason));
    else this.#closeHandlers.push(handler);
  }

  /** @param bytes a frame, lent for this call; undefined: a message that is none. @param sum its checksum, if known */
  #receive(bytes: Uint8Array | undefined, sum?: number): void {
    this.#understood += 1;
    if (this.#state.phase !== "open") return;
    const received = this.#read(bytes, sum);
    if (received === undefined) return;
    if (this.#onMessage !== undefined && this.#early.length === 0) {
      this.#deliver(received);
    } else {
      this.#early.push({ ...received, slices: received.slices.map((slice) => slice.slice()) });
      this.#webSocket.pause();
    }
    if (received.outside) this.#incoming?.release();
  }

  /** What the two sides say to each other of the memory that they share. */
  #takeWord(word: MemoryWord): void {
    if (word.kind === "answer") this.#sender.answered(word.refusal);
    else this.#sender.send(answer(this.#incoming ? this.#incoming.open(word.name) : "it shares none"), []);
  }

  #deliverEarly(): void {
    for (let next = this.#early.shift(); next !== undefined; next = this.#early.shift()) this.#deliver(next);
    if (this.#state.phase === "open") this.#webSocket.resume();
  }

  #deliver(received: Received): void {
    if (this.#state.phase !== "open") return;
    try {
      this.#onMessage?.(received.message, received.slices);
    } catch (error) {
      // The engine found the message wrong where it stands. Anything else is our own mistake, not the peer's.
      if (!(error instanceof ProtocolError)) throw error;
      this.#reject(closeCodes.protocolError, error.message);
    }
  }

  #read(bytes: Uint8Array | undefined, sum: number | undefined): Received | undefined {
    try {
      if (!bytes) throw new ProtocolError("a text message; frames are binary");
      const { maxFrameBytes } = this.#options;
      const frame = decodeFrame(bytes, {
        ...{ maxFrameBytes, crc32: checksum, sequence: this.#receivedMessages, sum },
        outsideAt: this.#incoming?.place,
      });
      this.#receivedMessages += 1;
      const word = readWord(frame.message);
      if (word) {
        this.#takeWord(word);
        return undefined;
      }
      const message = this.#options.parseMessage(frame.message);
      if (frame.outside.length === 0) return { message, slices: frame.slices };
      if (!this.#incoming) throw new FrameError("malformed", "slices outside of the frame");
      return { message, slices: this.#incoming.take(frame.outside), outside: true };
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof ProtocolError)) throw error;
      this.#reject(codeFor(error), error.message);
      return undefined;
    }
  }

  #reject(code: CloseCode, reason: string): void {
    this.#options.log(`${this.remote}: ${reason}; closed with ${code}`);
    this.close(code, reason);
  }

  /** Errors below the frames: the WebSocket library has begun to close, see limited-websocket.ts. */
  #failed(error: Error & { readonly code?: string }): void {
    if (error.code?.startsWith("WS_ERR_") !== true || this.#state.phase !== "open") return;
    const tooLarge = error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    const reason = tooLarge ? this.#overLimit : error.message;
    this.#reject(tooLarge ? closeCodes.frameTooLarge : closeCodes.damaged, reason);
  }

  get #overLimit(): string {
    return `frame over ${this.#options.maxFrameBytes} bytes`;
  }

  #open(heartbeat: HeartbeatState): ChannelState {
    const { clock, heartbeatMs } = this.#options;
    return { phase: "open", heartbeat, cancelBeat: clock.after(heartbeatMs, () => this.#beat()) };
  }

  #heard(): Heard {
    return { bytes: this.#socket.bytesRead, understood: this.#understood };
  }

  #beat(): void {
    if (this.#state.phase !== "open") return;
    const { clock, heartbeatMs } = this.#options;
    const decision = beat(clock.nowMs(), this.#heard(), this.#state.heartbeat, heartbeatMs);
    if (decision.kind === "dead") {
      this.#options.log(`${this.remote}: ${decision.reason}; closed`);
      this.#kill(closeCodes.heartbeatMissed, decision.reason);
      return;
    }
    this.#webSocket.ping(pingAt(clock.nowMs()));
    this.#state = this.#open(decision.state);
  }

  #pinged(sent: Buffer): void {
    this.#understood += 1;
    if (sent.length === pingBytes) this.#options.onHeartbeat?.(sent.readDoubleLE());
  }

  #answered(sent: Buffer): void {
    this.#understood += 1;
    // What a peer sends back may be anything; only its own connection's figure comes of it.
    if (sent.length === pingBytes)
      this.#options.onRoundTrip?.(this.#options.clock.nowMs() - sent.readDoubleLE());
  }

  /** Closes without waiting for a peer that will not answer. */
  #kill(code: CloseCode, reason: string): void {
    this.close(code, reason);
    this.#webSocket.terminate();
    this.#settle(code, reason);
  }

  #closedByWebSocket(code: number, reason: string): void {
    if (this.#state.phase === "closing") this.#settle(this.#state.code, this.#state.reason);
    else this.#settle(code, reason === "" && code === 1006 ? "connection lost" : reason);
  }

  #settle(code: number, reason: string): void {
    if (this.#state.phase === "closed") return;
    if (this.#state.phase === "open") this.#state.cancelBeat();
    else this.#state.cancelKill();
    this.#state = { phase: "closed", code, reason };
    this.#onMessage = undefined;
    this.#early = [];
    this.#reader.close();
    this.#sender.close();
    this.#incoming?.close();
    for (const handler of this.#closeHandlers.splice(0)) handler(code, reason);
  }
}

/** A ping carries the moment at which it was sent, and its pong brings it back. */
function pingAt(nowMs: number): Buffer {
  const moment = Buffer.alloc(pingBytes);
  moment.writeDoubleLE(nowMs);
  return moment;
}

function codeFor(error: FrameError | ProtocolError): CloseCode {
  if (error instanceof ProtocolError) return closeCodes.protocolError;
  if (error.isDamage) return closeCodes.damaged;
  return error.fault === "tooLarge" ? closeCodes.frameTooLarge : closeCodes.protocolError;
}

function shortened(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > maxReasonBytes) text = text.slice(0, -1);
  return text;
}
