import { announcedBytes, type Crc32 } from "@latentweave/protocol";
import type { MessageMemory } from "../message-memory.ts";

/*
 * Owns: finding the binary messages in what a WebSocket's socket gives (RFC 6455, section 5), and putting each together
 * in one piece of memory. Does not own: control frames, and what is wrong with a stream: all of that goes on, as it came,
 * to the WebSocket library, which answers pings and closes.
 *
 * Invariants:
 * 1. Each byte that was read goes to exactly one place: a message, or `rest`.
 * 2. Once a frame is neither a regular part of a binary message nor a control frame, it and all that follow are `rest`.
 * 3. A message is delivered where it was read, or from memory that is used again: its bytes are lent for that call.
 * 4. No message is longer than `maxBytes`, and no memory is taken for more than that.
 */

export interface ReaderEvents {
  /** A binary message has come whole. @param sum its checksum, where that was taken as it came */
  readonly message: (bytes: Uint8Array, sum: number | undefined) => void;
  /** The bytes are lent for this call. */
  readonly rest: (bytes: Uint8Array) => void;
  /** A message is over `maxBytes`; nothing more will be said of what comes. */
  readonly tooLarge: () => void;
}

/** From here on it pays to have the system write a part of a message to its place, rather than to copy it there. */
const directBytes = 32 * 1024;
/** One read, at most: what else the process has to do is not kept waiting, and what was read is still in the cache. */
const mostAtOnceBytes = 1024 * 1024;
/** What a peer says of a message's length is believed so far; beyond, memory doubles as the bytes come. */
const trustedBytes = 64 * 1024 * 1024;
const longestHead = 14;
/** A message of this many bytes has left the cache before it has come whole, so its checksum is taken on the way. */
const summedBytes = 256 * 1024;

const finalBit = 0x80;
const reservedBits = 0x70;
const maskedBit = 0x80;
const opcodes = { continuation: 0, binary: 2, firstControl: 8 } as const;

interface Head {
  readonly final: boolean;
  readonly opcode: number;
  readonly reserved: boolean;
  /** Undefined: not masked. */
  readonly mask: Uint8Array | undefined;
  readonly payloadBytes: number;
  readonly headBytes: number;
}

/** A message that has begun, and how far it has come. */
interface Message {
  memory: Uint8Array;
  filled: number;
  /** What it is likely to come to. */
  readonly likely: number;
  /** Of what has come, taken while that is in the cache; undefined: it is small, or has yet to be unmasked. */
  sum: number | undefined;
}

type State =
  | { readonly at: "head" }
  | { readonly at: "payload"; readonly head: Head; readonly from: number; left: number }
  | { readonly at: "control"; left: number }
  | { readonly at: "handed on" }
  | { readonly at: "deaf" };

export class MessageReader {
  readonly #masked: boolean;
  readonly #maxBytes: number;
  readonly #memory: MessageMemory;
  readonly #checksum: Crc32;
  readonly #events: ReaderEvents;
  readonly #headBytes = new Uint8Array(longestHead);
  #headFilled = 0;
  #state: State = { at: "head" };
  #message: Message | undefined;

  /** @param masked as all frames of a client are, and none of a server */
  constructor(
    masked: boolean,
    maxBytes: number,
    memory: MessageMemory,
    checksum: Crc32,
    events: ReaderEvents,
  ) {
    this.#masked = masked;
    this.#checksum = checksum;
    this.#maxBytes = maxBytes;
    this.#memory = memory;
    this.#events = events;
  }

  /** Where the next bytes may be written straight to, for `wrote`; undefined where they are to be given to `take`. */
  room(): Uint8Array | undefined {
    const state = this.#state;
    const message = this.#message;
    if (state.at !== "payload" || state.left < directBytes || !message) return undefined;
    return this.#place(message, state.left);
  }

  /** That many bytes were written to `room()`. */
  wrote(bytes: number): void {
    const state = this.#state;
    const message = this.#message;
    if (state.at !== "payload" || message === undefined) return;
    const { memory, filled, sum } = message;
    message.filled += bytes;
    if (sum !== undefined) message.sum = this.#checksum(memory.subarray(filled, message.filled), sum);
    state.left -= bytes;
    if (state.left === 0) this.#endFrame(state.head, state.from);
  }

  /** Bytes that were read to elsewhere. */
  take(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) rest = rest.subarray(this.#step(rest));
  }

  /** Nothing more will come, or be delivered. */
  close(): void {
    this.#state = { at: "deaf" };
    this.#dropMessage();
  }

  /** @returns how many of the bytes are dealt with */
  #step(bytes: Uint8Array): number {
    const state = this.#state;
    switch (state.at) {
      case "head":
        return this.#readHead(bytes);
      case "payload": {
        const place = this.#message && this.#place(this.#message, state.left);
        const part = bytes.subarray(0, place?.length ?? state.left);
        place?.set(part);
        this.wrote(part.length);
        return part.length;
      }
      case "control": {
        const part = bytes.subarray(0, state.left);
        state.left -= part.length;
        if (state.left === 0) this.#state = { at: "head" };
        this.#events.rest(part);
        return part.length;
      }
      case "handed on":
        this.#events.rest(bytes);
        return bytes.length;
      case "deaf":
        return bytes.length;
    }
  }

  #readHead(bytes: Uint8Array): number {
    const before = this.#headFilled;
    const added = bytes.subarray(0, longestHead - before);
    this.#headBytes.set(added, before);
    const head = readHead(this.#headBytes.subarray(0, before + added.length));
    if (head === undefined) {
      this.#headFilled += added.length;
      return added.length;
    }
    this.#headFilled = 0;
    const taken = head.headBytes - before;
    if (!this.#isRegular(head)) this.#handOn(head.headBytes, { at: "handed on" });
    else if (head.opcode >= opcodes.firstControl) {
      const { payloadBytes } = head;
      this.#handOn(
        head.headBytes,
        payloadBytes === 0 ? { at: "head" } : { at: "control", left: payloadBytes },
      );
    } else return taken + this.#beginFrame(head, bytes.subarray(taken));
    return taken;
  }

  #isRegular({ opcode, reserved, mask, final, payloadBytes }: Head): boolean {
    if (reserved || (mask !== undefined) !== this.#masked) return false;
    if (opcode >= opcodes.firstControl) return final && payloadBytes <= 125;
    return opcode === (this.#message === undefined ? opcodes.binary : opcodes.continuation);
  }

  #handOn(headBytes: number, next: State): void {
    this.#state = next;
    if (next.at === "handed on") this.#dropMessage();
    this.#events.rest(this.#headBytes.subarray(0, headBytes));
  }

  /** @returns how many bytes of the payload, which begins `bytes`, are dealt with */
  #beginFrame(head: Head, bytes: Uint8Array): number {
    const { payloadBytes } = head;
    const before = this.#message?.filled ?? 0;
    if (before + payloadBytes > this.#maxBytes) {
      this.close();
      this.#events.tooLarge();
      return 0;
    }
    // Messages are small mostly, and whole in what was read.
    if (this.#message === undefined && head.final && payloadBytes <= bytes.length && isZero(head.mask)) {
      if (payloadBytes > 0) this.#events.message(bytes.subarray(0, payloadBytes), undefined);
      else this.#events.message(new Uint8Array(0), undefined);
      return payloadBytes;
    }
    const announced = head.final ? undefined : announcedBytes(bytes.subarray(0, payloadBytes));
    const likely = Math.max(before + payloadBytes, announced ?? 0);
    this.#message ??= {
      ...{ memory: this.#memory.take(likely, trusted(likely, 0)), filled: 0, likely },
      sum: likely >= summedBytes ? 0 : undefined,
    };
    if (!isZero(head.mask)) this.#message.sum = undefined;
    this.#state = { at: "payload", head, from: before, left: payloadBytes };
    if (payloadBytes === 0) this.#endFrame(head, before);
    return 0;
  }

  /** The next part of the message's memory, of at most that many bytes; there is always some. */
  #place(message: Message, left: number): Uint8Array {
    const { filled } = message;
    if (message.memory.length === filled) {
      // A message that comes to more than it said may go on and on, a little at a time.
      const said = filled < message.likely ? message.likely : 2 * filled;
      const likely = Math.min(Math.max(filled + left, said), this.#maxBytes);
      const larger = this.#memory.take(likely, trusted(likely, filled));
      larger.set(message.memory);
      this.#memory.give(message.memory);
      message.memory = larger;
    }
    return message.memory.subarray(filled, filled + Math.min(left, mostAtOnceBytes));
  }

  #endFrame({ mask, final }: Head, from: number): void {
    this.#state = { at: "head" };
    const message = this.#message;
    if (message === undefined) return;
    const { memory, filled, sum } = message;
    if (mask !== undefined && !isZero(mask)) unmask(memory.subarray(from, filled), mask);
    if (!final) return;
    this.#message = undefined;
    try {
      this.#events.message(memory.subarray(0, filled), sum);
    } finally {
      this.#memory.give(memory);
    }
  }

  #dropMessage(): void {
    if (this.#message) this.#memory.give(this.#message.memory);
    this.#message = undefined;
  }
}

/** @returns undefined where there is more to come of it */
function readHead(bytes: Uint8Array): Head | undefined {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const isMasked = (second & maskedBit) !== 0;
  const headBytes = 2 + lengthBytes + (isMasked ? 4 : 0);
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, headBytes);
  return {
    final: (first & finalBit) !== 0,
    opcode: first & 0x0f,
    reserved: (first & reservedBits) !== 0,
    mask: isMasked ? bytes.slice(headBytes - 4, headBytes) : undefined,
    // More than a number holds exactly is more than any limit.
    payloadBytes:
      lengthBytes === 2 ? view.getUint16(2) : lengthBytes === 8 ? Number(view.getBigUint64(2)) : short,
    headBytes,
  };
}

/** How much memory to take for a message that claims so many bytes: a claim costs its sender nothing. */
function trusted(claimed: number, came: number): number {
  return Math.min(claimed, Math.max(trustedBytes, 2 * came));
}

function isZero(mask: Uint8Array | undefined): boolean {
  return mask === undefined || mask.every((byte) => byte === 0);
}

/** Peers of ours mask with zeros; a browser, or another program, does not. */
function unmask(bytes: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ (mask[i & 3] ?? 0);
}
