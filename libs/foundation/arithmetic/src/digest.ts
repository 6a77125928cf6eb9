import type { ModuleExports } from "./instance.ts";

/** A range of the arithmetic's memory, or bytes that lie anywhere. */
export type DigestPiece = Uint8Array | { readonly pointer: number; readonly bytes: number };

const windowBytes = 8192;

/** XXH3 (64 bits, seed 0) over pieces laid end to end, in hexadecimal; how they are cut changes nothing. */
export function digestOf(wasm: ModuleExports, pieces: readonly DigestPiece[]): string {
  wasm.digestStart();
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) throughWindow(wasm, piece, wasm.digestFeed);
    else wasm.digestFeed(piece.pointer, piece.bytes);
  }
  return BigInt.asUintN(64, wasm.digestEnd()).toString(16).padStart(16, "0");
}

/**
 * Shows the module bytes that lie outside its memory, some after the other, through a window of its own.
 *
 * @param take is told where they lie for the moment, how many they are, and how many came before
 */
export function throughWindow(
  wasm: ModuleExports,
  bytes: Uint8Array,
  take: (pointer: number, length: number, from: number) => void,
): void {
  const at = wasm.digestWindow();
  const window = new Uint8Array(wasm.memory.buffer, at, windowBytes);
  for (let from = 0; from < bytes.length; from += windowBytes) {
    const part = bytes.subarray(from, from + windowBytes);
    window.set(part);
    take(at, part.length, from);
  }
}
