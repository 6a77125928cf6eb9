import type { ParameterLayout } from "@latentweave/parameters";

/** Memory that holds every group of a layout, as the tensors' source. */
export interface ParameterMemory {
  readonly buffer: ArrayBufferLike;
  /** By group index; views on `buffer`, each beginning at a multiple of `groupAlignment`. */
  readonly groups: readonly Float32Array[];
}

// Declared here rather than taken from TypeScript's DOM library, which Node code must not see.
interface WebAssemblyHost {
  readonly Memory: new (pages: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
  };
}

const host = (globalThis as unknown as { readonly WebAssembly: WebAssemblyHost }).WebAssembly;

const pageBytes = 65_536;
const mostPages = 65_536;
/** Whole pages, so that a group can be mapped; the same in all memories of a layout, so that places can be compared. */
const groupAlignment = 16_384;

const alignedBytes = (numbers: number): number =>
  Math.ceil((numbers * Float32Array.BYTES_PER_ELEMENT) / groupAlignment) * groupAlignment;

/**
 * Zeroed memory that two threads can share. It is WebAssembly memory because that starts on a page: groups and tensors
 * then lie at multiples of 64 bytes, and TensorFlow uses them where they are instead of copying them.
 */
export function allocateParameterMemory(layout: ParameterLayout): ParameterMemory {
  const bytes = layout.groups.reduce((sum, { numbers }) => sum + alignedBytes(numbers), 0);
  const pages = Math.max(1, Math.ceil(bytes / pageBytes));
  const buffer =
    pages <= mostPages
      ? new host.Memory({ initial: pages, maximum: pages, shared: true }).buffer
      : new SharedArrayBuffer(bytes);
  return viewParameterMemory(layout, buffer);
}

/** The same memory as seen by another thread. */
export function viewParameterMemory(layout: ParameterLayout, buffer: ArrayBufferLike): ParameterMemory {
  let at = 0;
  const groups = layout.groups.map((group) => {
    const view = new Float32Array(buffer, at, group.numbers);
    at += alignedBytes(group.numbers);
    return view;
  });
  return { buffer, groups };
}
