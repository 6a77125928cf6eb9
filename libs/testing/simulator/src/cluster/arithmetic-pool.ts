import {
  type Arithmetic,
  type ArithmeticOperations,
  arithmeticPageBytes,
  loadArithmetic,
  withSizes,
} from "@latentweave/arithmetic";

/** An instance lent to one process for its life. */
export interface Lent {
  readonly arithmetic: Arithmetic;
  /** The process is gone: whatever it held is free again. */
  giveBack(): void;
}

interface Instance {
  readonly inner: Arithmetic;
  /** Whole pages are never freed: they are lent with the instance. */
  readonly pages: { readonly pointer: number; readonly count: number; lent: boolean }[];
}

const idle: Instance[] = [];

/**
 * Lends WebAssembly instances, which take a millisecond to make, to one simulated process after the other. What a
 * process allocates is filled with NaN, so that neither a replay nor a result depends on what lay there before.
 */
export function lendArithmetic(): Lent {
  const instance = idle.pop() ?? { inner: loadArithmetic(), pages: [] };
  const { inner, pages } = instance;
  let pageBytes = 0;
  const live = new Map<number, number>();
  let back = false;
  const operations: ArithmeticOperations = {
    ...inner,
    allocate(bytes) {
      const pointer = inner.allocate(bytes);
      live.set(pointer, bytes);
      inner.u8(pointer, bytes).fill(0xff);
      return pointer;
    },
    allocatePages(count) {
      let found = pages.find((range) => !range.lent && range.count === count);
      if (found) inner.u8(found.pointer, count * arithmeticPageBytes).fill(0);
      else pages.push((found = { pointer: inner.allocatePages(count), count, lent: false }));
      found.lent = true;
      pageBytes += count * arithmeticPageBytes;
      return found.pointer;
    },
    free(pointer, bytes) {
      inner.free(pointer, bytes);
      live.delete(pointer);
    },
  };
  const used = (): number =>
    pages.reduce((sum, { count }) => sum - count * arithmeticPageBytes, inner.usedBytes + pageBytes);
  return {
    arithmetic: withSizes(operations, used, () => inner.memoryBytes),
    giveBack() {
      if (back) return;
      back = true;
      for (const [pointer, bytes] of live) inner.free(pointer, bytes);
      live.clear();
      for (const range of pages) range.lent = false;
      idle.push(instance);
    },
  };
}
