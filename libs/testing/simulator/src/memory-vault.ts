import type { Arithmetic } from "@latentweave/arithmetic";
import type { Vault } from "@latentweave/protocol";

/**
 * What lies in a simulated host's memory, by name. It behaves as the real one does: a process that is killed leaves
 * the bytes that its memory held at that instant. WebAssembly memory of two instances cannot be shared, so the bytes
 * are copied when the process is killed and when its successor adopts them.
 */
export interface MemoryVaults {
  /** For a process that lives. Its `adopt` answers "none" while another one that lives holds the name. */
  open(options: {
    readonly name: string;
    readonly identity: string;
    /** Whose memory the adopted range is part of. */
    readonly arithmetic: Arithmetic;
  }): Vault;
  /** The holder's process ends now, in the middle of whatever it does: what it writes later is not kept. */
  kill(name: string): void;
  /** The host ends: every process on it is killed and nothing is kept. */
  loseHost(): void;
  /** What a successor could find. */
  readonly names: readonly string[];
}

/** Most of a vault is room for texts, and zero: kept are the pieces that are not. */
interface Kept {
  readonly identity: string;
  readonly byteLength: number;
  readonly pieces: readonly (readonly [at: number, bytes: Uint8Array])[];
}

const pieceBytes = 4096;
const zeros = new Uint8Array(pieceBytes);

function keep(identity: string, bytes: Uint8Array): Kept {
  const pieces: [number, Uint8Array][] = [];
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    if (Buffer.compare(piece, zeros.subarray(0, piece.byteLength)) !== 0) pieces.push([at, piece.slice()]);
  }
  return { identity, byteLength: bytes.byteLength, pieces };
}

interface Holder {
  readonly identity: string;
  /** The bytes as they are. */
  readonly current: () => Uint8Array;
}

export function createMemoryVaults(): MemoryVaults {
  const kept = new Map<string, Kept>();
  const holders = new Map<string, Holder>();
  return {
    open({ name, identity, arithmetic }) {
      let own: Holder | undefined;
      return {
        adopt(range) {
          if (holders.has(name)) return "none";
          const [pointer, length] = [range.byteOffset, range.byteLength];
          // Not `range` itself: the memory's next growth detaches it.
          own = { identity, current: () => arithmetic.u8(pointer, length) };
          holders.set(name, own);
          const found = kept.get(name);
          if (found?.identity !== identity || found.byteLength !== length) return "fresh";
          for (const [at, bytes] of found.pieces) range.set(bytes, at);
          return "kept";
        },
        discard() {
          if (!own || holders.get(name) !== own) return;
          holders.delete(name);
          kept.delete(name);
        },
      };
    },
    kill(name) {
      const holder = holders.get(name);
      if (!holder) return;
      kept.set(name, keep(holder.identity, holder.current()));
      holders.delete(name);
    },
    loseHost() {
      kept.clear();
      holders.clear();
    },
    get names() {
      return [...new Set([...kept.keys(), ...holders.keys()])];
    },
  };
}
