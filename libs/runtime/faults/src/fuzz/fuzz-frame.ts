import { crc32 } from "node:zlib";
import { encodeFrame, FrameError } from "@latentweave/protocol";
import type { Draw } from "../draw/keyed-random.ts";
import { bytesOf, pick, whole } from "../draw/choose.ts";
import { mutatedBytes, withChecksum } from "./mutate-bytes.ts";
import { mutatedMessage } from "./mutate-message.ts";
import type { Sample } from "./sample-messages.ts";

export const fuzzKinds = [
  /** Anything at all. */
  "random",
  /** A frame that was damaged on the way. */
  "damaged",
  /** A frame of a sender that makes frames wrongly: its checksum is right. */
  "malformed",
  /** A header that is not what it should be, in a frame that is right. */
  "header",
  /** A message with wrong fields, in a frame that is right. */
  "message",
  /** A right message with other tensors than it should have. */
  "tensors",
  /** A right frame, in the wrong place of its connection. */
  "place",
  /** A right message in a right frame, of whatever kind: mostly out of turn. */
  "turn",
] as const;

export type FuzzKind = (typeof fuzzKinds)[number];

export interface FuzzFrame {
  readonly kind: FuzzKind;
  /** The type of the message that it was made from. */
  readonly type: string;
  readonly bytes: Buffer;
}

/**
 * What a WebSocket message may carry, wrong in one way or another.
 *
 * @param sequence the place in its connection that it pretends to have
 */
export function fuzzFrame(samples: readonly Sample[], draw: Draw, sequence: number): FuzzFrame {
  const kind = pick(draw, "kind", fuzzKinds);
  const { message, slices } = pick(draw, "sample", samples);
  const frame = (what: object = message, tensors = slices, place = sequence): Buffer =>
    Buffer.concat(encodeFrame(what, tensors, { sequence: place, crc32 }));
  const bytes = (): Buffer => {
    switch (kind) {
      case "random":
        return bytesOf(draw, "random", whole(draw, "length", pick(draw, "size", [8, 300, 300, 20_000])));
      case "damaged":
        return mutatedBytes(frame(), draw);
      case "malformed":
        return withChecksum(mutatedBytes(frame(), draw));
      case "header":
        return withHeader(bytesOf(draw, "header", 1 + whole(draw, "length", 80)), sequence);
      case "message":
        return frameOrNothing(() => frame(mutatedMessage(message, draw)));
      case "tensors": {
        const count = whole(draw, "count", 5);
        const odd = Array.from({ length: count }, (_, i) =>
          bytesOf(draw, `tensor ${i}`, whole(draw, `length ${i}`, 200)),
        );
        return frame(message, odd);
      }
      case "place":
        return frame(message, slices, sequence + pick(draw, "by", [1, 2, 1_000, 2 ** 32 - 1]));
      case "turn":
        return frame();
    }
  };
  return { kind, type: message.type, bytes: bytes() };
}

/** A frame without tensors whose header is these bytes, whatever they are. */
function withHeader(header: Buffer, sequence: number): Buffer {
  const bytes = Buffer.from(encodeFrame({}, [], { sequence })[0] as Uint8Array);
  const preamble = bytes.subarray(0, 20);
  preamble.writeUInt32LE(header.length, 4);
  return withChecksum(Buffer.concat([preamble, header]));
}

/** Our own encoder refuses what no reader would take; that is sent as nothing at all. */
function frameOrNothing(encode: () => Buffer): Buffer {
  try {
    return encode();
  } catch (error) {
    if (error instanceof FrameError) return Buffer.alloc(0);
    throw error;
  }
}
