import type { Draw } from "../draw/keyed-random.ts";
import type { Corrupt, Truncate } from "./fault.ts";
import { payloadOf, wireBytes, type WireFrame, withPayload } from "./websocket-wire.ts";

/** @returns the message's bytes with one of them changed */
export function corrupted(frames: readonly WireFrame[], where: Corrupt["where"], draw: Draw): Buffer {
  const bytes = wireBytes(frames);
  const targets = where === "framing" ? headerPlaces(frames) : payloadPlaces(frames);
  const length = targets.reduce((sum, { count }) => sum + count, 0);
  // A message that carries nothing can only be hit in its framing.
  if (length === 0) return where === "framing" ? bytes : corrupted(frames, "framing", draw);
  let place = Math.floor(draw("byte") * length);
  for (const { start, count } of targets) {
    if (place < count) {
      bytes[start + place] = (bytes[start + place] ?? 0) ^ (1 + Math.floor(draw("change") * 255));
      break;
    }
    place -= count;
  }
  return bytes;
}

/** @returns the message's bytes without the last of them; something is always missing */
export function truncated(frames: readonly WireFrame[], framing: Truncate["framing"], draw: Draw): Buffer {
  const payload = payloadOf(frames);
  const kept = Math.floor(draw("length") * payload.length);
  if (framing !== "kept") return wireBytes([withPayload(frames, payload.subarray(0, kept))]);
  const bytes = wireBytes(frames);
  return bytes.subarray(0, bytes.length - Math.max(1, payload.length - kept));
}

/** @returns the first part of the message; something is always missing, and something there */
export function beginning(frames: readonly WireFrame[], draw: Draw): Buffer {
  const bytes = wireBytes(frames);
  return bytes.subarray(0, 1 + Math.floor(draw("length") * (bytes.length - 1)));
}

interface Place {
  readonly start: number;
  readonly count: number;
}

function headerPlaces(frames: readonly WireFrame[]): Place[] {
  let end = 0;
  return frames.map(({ header, payload }) => {
    const start = end;
    end += header.length + payload.length;
    // A changed mask would only change the payload.
    return { start, count: header.length - (((header[1] ?? 0) & 0x80) === 0 ? 0 : 4) };
  });
}

function payloadPlaces(frames: readonly WireFrame[]): Place[] {
  let end = 0;
  return frames.map(({ header, payload }) => {
    const start = end + header.length;
    end = start + payload.length;
    return { start, count: payload.length };
  });
}
