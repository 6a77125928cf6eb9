/**
 * Memory of a process that outlives it: as long as the process lives it is memory like any other; when it ends, however
 * it ends, the bytes are there for its successor on the same host. Not proof against the host's own end.
 */
export interface Vault {
  /**
   * Lays a range of WebAssembly memory over what is kept; called once, before anything else looks at the range. The
   * range starts at a multiple of 64 KiB and is one long.
   *
   * - `kept`: the bytes of a predecessor of the same identity are there now
   * - `fresh`: zeros; what is written from now on is kept
   * - `none`: nothing can be kept here (the reason was logged); the range is as it was
   */
  adopt(range: Uint8Array): Adoption;
  /** Name of the file in the host's memory, by which other processes of this host can map it; undefined: there is none. */
  readonly sharedName?: string | undefined;
  /** Where the range begins in that file. */
  readonly rangeAt?: number;
  /** After the run's regular end: nothing is kept any longer. The memory stays usable. */
  discard(): void;
}

export type Adoption = "kept" | "fresh" | "none";
