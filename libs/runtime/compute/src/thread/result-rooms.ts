import type { MicroBatch, MicroBatchResult } from "@latentweave/model";
import type { RoomForResult, RunResult } from "./messages.ts";

/** Smaller results are moved: what they cost the collector is less than what a room costs. */
const fewBytes = 64 * 2 ** 10;

/** A step holds hardly more results of a size at a time; what comes back beyond that is let go of. */
const mostSpare = 16;

interface Room {
  readonly id: number;
  readonly buffer: SharedArrayBuffer;
}

/** A call on its way: what the thread is told, and what becomes of its answer. */
export interface RoomedCall {
  readonly room: RoomForResult | undefined;
  readonly left: readonly number[];
  resultOf(answer: RunResult): MicroBatchResult;
  /** There will be no answer. */
  failed(): void;
}

/**
 * Memory for results that are given back. Were it made anew for each result, of many megabytes, the system would fill it
 * with zeros, and V8 would look through its heap whenever so much of it has been made, in both threads.
 *
 * 1. A room holds one result at a time: it is in use from the call on until the result is given back.
 * 2. The thread knows a room from the first call with it until the first one after it was let go of.
 */
export class ResultRooms {
  /** By kind of micro-batch: the bytes of its result, once the thread has told them. */
  readonly #bytes = new Map<string, number>();
  readonly #inUse = new Map<ArrayBufferLike, Room>();
  readonly #spare: Room[] = [];
  readonly #left: number[] = [];
  #nextId = 0;

  /** Another model has other results. */
  startOver(): void {
    this.#bytes.clear();
    this.#keep(0);
  }

  call(batch: MicroBatch): RoomedCall {
    const kind = `${batch.phase} ${batch.task} ${batch.program} ${batch.samples}`;
    const bytes = batch.borrowed === true ? (this.#bytes.get(kind) ?? 0) : 0;
    const isRoomy = bytes >= fewBytes;
    // What is spare came with a call before, so the thread knows it.
    const known = isRoomy ? this.#takeSpare(bytes) : undefined;
    const room = known ?? (isRoomy ? this.#make(bytes) : undefined);
    if (room) this.#inUse.set(room.buffer, room);
    return {
      room: known ? { id: known.id } : room,
      left: this.#left.splice(0),
      resultOf: ({ result, inRoom, roomBytes = 0 }) => {
        this.#bytes.set(kind, roomBytes);
        if (!room) return result;
        if (!inRoom) {
          this.#give(room);
          return result;
        }
        const gradients = inRoom.map(([at, length]) => new Float32Array(room.buffer, at, length));
        return { ...result, gradients };
      },
      failed: () => {
        if (room) this.#give(room);
      },
    };
  }

  /** Whatever is no room in use was moved here, and is the collector's. */
  giveBack(gradients: readonly Float32Array[]): void {
    const room = gradients[0] && this.#inUse.get(gradients[0].buffer);
    if (room) this.#give(room);
  }

  #make(bytes: number): Room {
    return { id: this.#nextId++, buffer: new SharedArrayBuffer(bytes) };
  }

  #takeSpare(bytes: number): Room | undefined {
    const fits = ({ buffer }: Room): boolean => bytes <= buffer.byteLength && buffer.byteLength <= 2 * bytes;
    const place = this.#spare.findLastIndex(fits);
    return place < 0 ? undefined : this.#spare.splice(place, 1)[0];
  }

  #give(room: Room): void {
    this.#inUse.delete(room.buffer);
    this.#spare.push(room);
    this.#keep(mostSpare);
  }

  /** The newest. */
  #keep(most: number): void {
    const old = this.#spare.splice(0, Math.max(0, this.#spare.length - most));
    this.#left.push(...old.map(({ id }) => id));
  }
}
