import { FrameError, type SharedMemory, type SharedRange } from "@latentweave/protocol";
import { countIn, placeOf, ringAt } from "./ring.ts";

interface Open {
  readonly range: SharedRange;
  readonly bytes: Uint8Array;
  readonly count: { set(count: number): void };
  taken: number;
}

/** The other end of the peer's `OutgoingMemory`. */
export class IncomingMemory {
  readonly #memory: SharedMemory;
  #open: Open | undefined;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Takes the place of the range before. @returns why it cannot be had */
  open(name: string): string | undefined {
    const range = this.#memory.open(name);
    if (typeof range === "string") return range;
    if (range.buffer.byteLength <= ringAt) {
      range.close();
      return "it has no room";
    }
    this.close();
    const { buffer } = range;
    this.#open = { range, bytes: new Uint8Array(buffer, ringAt), count: countIn(buffer), taken: 0 };
    return undefined;
  }

  /** Where the next slices begin, as the peer counts too; undefined while nothing is open. */
  get place(): number | undefined {
    return this.#open?.taken;
  }

  /**
   * The slices of the next frame that has some here: views, until `release` or `close`.
   * @throws FrameError when the peer has opened nothing that could hold them
   */
  take(lengths: readonly number[]): Uint8Array[] {
    const open = this.#open;
    if (!open) throw new FrameError("malformed", "slices in shared memory, and none was offered");
    return lengths.map((length) => {
      if (length > open.bytes.length)
        throw new FrameError("malformed", `a slice of ${length} bytes in ${open.bytes.length} of memory`);
      const start = placeOf(open.taken, length, open.bytes.length);
      open.taken = start + length;
      const at = start % open.bytes.length;
      return open.bytes.subarray(at, at + length);
    });
  }

  /** What was taken so far has been used. */
  release(): void {
    this.#open?.count.set(this.#open.taken);
  }

  close(): void {
    this.#open?.range.close();
    this.#open = undefined;
  }
}
