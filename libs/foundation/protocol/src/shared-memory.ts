/**
 * Memory that two processes of one host have in common: one makes a range and tells its name, the other opens it. A
 * range lives as long as one of the two has it open, whatever becomes of its name.
 */
export interface SharedMemory {
  /** A fresh range of zeros. @returns why there is none: no room, for one */
  create(bytes: number): SharedRange | string;
  /** A range that another process of this host and user has made. @returns why it cannot be had */
  open(name: string): SharedRange | string;
}

export interface SharedRange {
  /** For the other process. */
  readonly name: string;
  /** At a multiple of a page. Empty after `close`. */
  readonly buffer: ArrayBuffer;
  /** Nobody can open it any more; whoever has it keeps it. */
  forgetName(): void;
  close(): void;
}

/** What lines of a log have in common in which a process says that memory is short: its launcher passes them on. */
export const memoryLines = {
  /** Tensors go another way. */
  sockets: "not through shared memory",
  /** A shard's memory is in a file on disk. */
  elsewhere: "this shard's memory is kept in",
  /** It is nowhere that outlives the process. */
  nowhere: "this shard's memory will not outlive its process",
} as const;
