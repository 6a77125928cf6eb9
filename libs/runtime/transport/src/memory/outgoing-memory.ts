import { memoryLines, type SharedMemory, type SharedRange } from "@latentweave/protocol";
import { countIn, endOf, placeOf, ringAt } from "./ring.ts";

/** Less than this is sent with its message: one more system call costs about as much as so many bytes. */
const leastBytes = 16 * 1024;
const leastRingBytes = 1 << 20;
/** Of what one frame needs; where a second one comes before the first was taken, twice as much is asked for. */
const roominess = 1.25;

type State =
  /** No range yet; frames go as they are. */
  | { readonly kind: "none" }
  /** Offered, not answered. */
  | { readonly kind: "offered"; readonly range: SharedRange }
  | {
      readonly kind: "used";
      readonly range: SharedRange;
      readonly bytes: Uint8Array;
      readonly taken: () => number;
      /** Bytes given so far, counted from the beginning. */
      given: number;
    }
  /** There is no memory to be had, or the peer cannot open it. */
  | { readonly kind: "off" };

/**
 * The memory through which one side of a connection hands large slices to the other, in place of sending them. It is
 * offered when the first large slices are sent, and again, larger, when they do not fit; whenever there is no room
 * (the peer has not answered yet, or is behind), slices go with their frame, so nobody ever waits for it.
 *
 * Invariants:
 * 1. Bytes that the reader has not counted as taken are never overwritten.
 * 2. Once a larger range is offered, the one before it is not written to any more.
 */
export class OutgoingMemory {
  readonly #memory: SharedMemory;
  readonly #offer: (name: string) => void;
  readonly #log: (line: string) => void;
  #state: State = { kind: "none" };

  /** @param offer tells the peer the name of a range, in the order of what is sent */
  constructor(memory: SharedMemory, offer: (name: string) => void, log: (line: string) => void) {
    this.#memory = memory;
    this.#offer = offer;
    this.#log = log;
  }

  /** Copies the slices for the peer to find. @returns from where on; undefined where they must go with the frame */
  give(slices: readonly Uint8Array[]): number | undefined {
    const total = slices.reduce((sum, { length }) => sum + length, 0);
    if (total < leastBytes || this.#state.kind === "off" || this.#state.kind === "offered") return undefined;
    if (this.#state.kind === "none") {
      this.#ask(total * roominess);
      return undefined;
    }
    const { bytes, given, taken } = this.#state;
    const lengths = slices.map(({ length }) => length);
    const end = endOf(given, lengths, bytes.length);
    if (end - taken() > bytes.length) {
      // Where it holds more than twice of this, the peer is merely behind.
      if (bytes.length < 2 * roominess * total) this.#ask(2 * roominess * total);
      return undefined;
    }
    let at = given;
    for (const slice of slices) {
      const start = placeOf(at, slice.length, bytes.length);
      bytes.set(slice, start % bytes.length);
      at = start + slice.length;
    }
    this.#state.given = end;
    return given;
  }

  /** @param refusal why the peer could not open what was offered; undefined: it could */
  answered(refusal: string | undefined): void {
    if (this.#state.kind !== "offered") return;
    const { range } = this.#state;
    range.forgetName();
    if (refusal !== undefined) {
      range.close();
      this.#off(`the peer cannot open it: ${refusal}`);
      return;
    }
    const { buffer } = range;
    const bytes = new Uint8Array(buffer, ringAt);
    this.#state = { kind: "used", range, bytes, taken: countIn(buffer).get, given: 0 };
  }

  close(): void {
    if (this.#state.kind === "used" || this.#state.kind === "offered") this.#state.range.close();
    this.#state = { kind: "off" };
  }

  #ask(bytes: number): void {
    const before = this.#state.kind === "used" ? this.#state.range : undefined;
    const pages = Math.ceil((ringAt + Math.max(leastRingBytes, bytes)) / ringAt);
    const range = this.#memory.create(pages * ringAt);
    if (typeof range === "string") {
      // A range that is too small for some frames still serves the others.
      if (!before) this.#off(range);
      return;
    }
    before?.close();
    this.#state = { kind: "offered", range };
    this.#offer(range.name);
  }

  #off(reason: string): void {
    this.#state = { kind: "off" };
    this.#log(`tensors go through the socket, ${memoryLines.sockets}: ${reason}`);
  }
}
