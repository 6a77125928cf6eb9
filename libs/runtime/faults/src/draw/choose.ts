import type { Draw } from "./keyed-random.ts";

/** @throws RangeError when there is nothing to choose from */
export function pick<T>(draw: Draw, what: string, among: readonly T[]): T {
  if (among.length === 0) throw new RangeError("nothing to choose from");
  return among[Math.floor(draw(what) * among.length)] as T;
}

/** From 0 to `below`, which is not reached. */
export function whole(draw: Draw, what: string, below: number): number {
  return Math.floor(draw(what) * below);
}

export function bytesOf(draw: Draw, what: string, length: number): Buffer {
  // One draw for four bytes: nothing here needs to be hard to guess.
  const bytes = Buffer.alloc(length + 3);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32LE(Math.floor(draw(`${what} ${at}`) * 2 ** 32), at);
  return bytes.subarray(0, length);
}
