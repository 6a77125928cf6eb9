import type { OpenDigest } from "./arithmetic.ts";
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
  return hexOf(wasm.digestEnd());
}

/** The module has room for one digest at a time: what it knows of this one is kept here between two pieces. */
export class ModuleDigest implements OpenDigest {
  readonly #wasm: ModuleExports;
  readonly #state: Uint8Array;

  constructor(wasm: ModuleExports) {
    this.#wasm = wasm;
    this.#state = new Uint8Array(wasm.digestStateBytes());
    wasm.digestStart();
    this.#keep();
  }

  feed(bytes: Uint8Array): void {
    this.#resume();
    throughWindow(this.#wasm, bytes, this.#wasm.digestFeed);
    this.#keep();
  }

  end(): string {
    this.#resume();
    return hexOf(this.#wasm.digestEnd());
  }

  #keep(): void {
    this.#state.set(this.#lying());
  }

  #resume(): void {
    this.#lying().set(this.#state);
    this.#wasm.digestResume();
  }

  #lying(): Uint8Array {
    return new Uint8Array(this.#wasm.memory.buffer, this.#wasm.digestState(), this.#state.length);
  }
}

function hexOf(digest: bigint): string {
  return BigInt.asUintN(64, digest).toString(16).padStart(16, "0");
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
