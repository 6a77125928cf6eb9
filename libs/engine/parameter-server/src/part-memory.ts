import { type Part, partsOf } from "./checkpoint-stream.ts";
import type { OwnedState } from "./owned-state.ts";

export interface SharedPart extends Part {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/**
 * Memory for versions' parts, which is used again: fresh pages cost several times as much as filling them. Where
 * writing takes about as long as the steps from one checkpoint to the next, two are in use at a time.
 */
export interface PartMemory {
  /** Copies the newest version; call `free` when the copy is of no use any more. */
  copy(state: OwnedState): { readonly parts: readonly SharedPart[]; readonly free: () => void };
}

/** Copies kept for later. A third in use at a time is made anew, and let go of. */
const mostKept = 2;

export function createPartMemory(): PartMemory {
  const spare: Map<string, SharedArrayBuffer>[] = [];
  return {
    copy(state) {
      const buffers = spare.pop() ?? new Map<string, SharedArrayBuffer>();
      const parts = partsOf(state, (slice, section) => {
        const name = `${section} ${slice.group} ${slice.start}`;
        let buffer = buffers.get(name);
        if (!buffer) buffers.set(name, (buffer = new SharedArrayBuffer(slice.numbers * 4)));
        const bytes = new Uint8Array(buffer);
        state.copyTo(slice, section, bytes);
        return bytes;
      });
      const free = (): void => {
        if (spare.length < mostKept) spare.push(buffers);
      };
      return { parts, free };
    },
  };
}
