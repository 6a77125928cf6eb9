import type { ParameterLayout } from "@latentweave/parameters";

/** Memory that holds every group of a layout, one after the other, as the tensors' source. */
export interface ParameterMemory {
  readonly buffer: ArrayBufferLike;
  /** By group index; views on `buffer`. */
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

/**
 * Zeroed memory that two threads can share. It is WebAssembly memory because that starts on a page: groups and tensors
 * then lie at multiples of 64 bytes, and TensorFlow uses them where they are instead of copying them.
 */
export function allocateParameterMemory(layout: ParameterLayout): ParameterMemory {
  const bytes = layout.numbers * Float32Array.BYTES_PER_ELEMENT;
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
    at += view.byteLength;
    return view;
  });
  return { buffer, groups };
}
