import type { LinearMemory } from "./instance.ts";

const alignment = 64; // a cache line, and a multiple of every lane width
/** Of WebAssembly; a multiple of every host's own page. */
export const pageBytes = 65_536;
const largestGrowthBytes = 64 * 1024 * 1024;

/** WebAssembly memory is exhausted (4 GiB of addresses) or the system has none left. */
export class ArithmeticMemoryError extends Error {
  override readonly name = "ArithmeticMemoryError";
  readonly requestedBytes: number;
  readonly memoryBytes: number;

  constructor(requestedBytes: number, memoryBytes: number) {
    super(
      `cannot allocate ${requestedBytes} bytes of WebAssembly memory beside the ${memoryBytes} held already`,
    );
    this.requestedBytes = requestedBytes;
    this.memoryBytes = memoryBytes;
  }
}

/** A pointer was freed that is not live, or with another size than it was allocated with. */
export class InvalidFreeError extends Error {
  override readonly name = "InvalidFreeError";
}

/**
 * Hands out ranges of one linear memory. A freed range is reused for requests of its own size class only (four
 * classes per doubling, at most a quarter wasted), so a process that asks for the same sizes step after step
 * reaches a fixed footprint; nothing is ever split, merged or given back to the system.
 */
export class Arena {
  readonly #memory: LinearMemory;
  readonly #freeByClass = new Map<number, number[]>();
  readonly #liveClass = new Map<number, number>();
  #top: number;
  #usedBytes = 0;

  constructor(memory: LinearMemory, heapBase: number) {
    this.#memory = memory;
    this.#top = Math.ceil(heapBase / alignment) * alignment;
  }

  /** Bytes handed out and not freed, rounded up to size classes. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Returns a 64-byte aligned address; the contents are whatever lay there. Throws ArithmeticMemoryError. */
  allocate(bytes: number): number {
    const size = sizeClass(bytes);
    const pointer = this.#freeByClass.get(size)?.pop() ?? this.#extend(size);
    this.#liveClass.set(pointer, size);
    this.#usedBytes += size;
    return pointer;
  }

  /** Returns the address of whole pages of their own, which are zero; never freed. Throws ArithmeticMemoryError. */
  allocatePages(pages: number): number {
    const end = Math.ceil(this.#top / pageBytes) * pageBytes;
    // What is left of the page before is lost: less than a page.
    if (end > this.#top) this.#extend(end - this.#top);
    const pointer = this.#extend(pages * pageBytes);
    this.#usedBytes += pages * pageBytes;
    return pointer;
  }

  /** Gives a range back; `bytes` as it was requested. Throws InvalidFreeError. */
  free(pointer: number, bytes: number): void {
    const size = sizeClass(bytes);
    if (this.#liveClass.get(pointer) !== size) {
      throw new InvalidFreeError(`address ${pointer} is not a live allocation of ${bytes} bytes`);
    }
    this.#liveClass.delete(pointer);
    this.#usedBytes -= size;
    const list = this.#freeByClass.get(size);
    if (list === undefined) this.#freeByClass.set(size, [pointer]);
    else list.push(pointer);
  }

  #extend(size: number): number {
    const pointer = this.#top;
    const end = pointer + size;
    const heldBytes = this.#memory.buffer.byteLength;
    if (end > heldBytes) {
      const neededPages = Math.ceil((end - heldBytes) / pageBytes);
      // Growing by a quarter keeps the number of growths small; the bound keeps the slack small.
      const roomyPages = Math.ceil(Math.min(heldBytes / 4, largestGrowthBytes) / pageBytes);
      if (!this.#grow(Math.max(neededPages, roomyPages)) && !this.#grow(neededPages)) {
        throw new ArithmeticMemoryError(size, heldBytes);
      }
    }
    this.#top = end;
    return pointer;
  }

  #grow(pages: number): boolean {
    try {
      this.#memory.grow(pages);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}

/** The smallest class that holds `bytes`: multiples of 64 up to 512, then four classes per doubling. */
export function sizeClass(bytes: number): number {
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`not a number of bytes: ${bytes}`);
  let grain = alignment;
  while (grain * 8 < bytes) grain *= 2;
  return Math.max(alignment, Math.ceil(bytes / grain) * grain);
}
