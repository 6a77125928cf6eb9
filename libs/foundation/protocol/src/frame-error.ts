/** Why bytes are not the frame that was due. */
export type FrameFault =
  | "truncated"
  | "tooLarge"
  | "badMagic"
  | "wrongVersion"
  | "wrongChecksum"
  | "outOfOrder"
  | "trailingBytes"
  | "malformed";

/**
 * Faults of bytes that arrived as their sender did not send them. A frame whose checksum and place are right and that
 * is malformed or too large all the same was made so.
 */
const damages: ReadonlySet<FrameFault> = new Set([
  "truncated",
  "badMagic",
  "wrongVersion",
  "wrongChecksum",
  "outOfOrder",
  "trailingBytes",
]);

/** Bytes from a peer that are not a frame, or values from us that cannot become one. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly fault: FrameFault;

  constructor(fault: FrameFault, detail: string) {
    super(`bad frame (${fault}): ${detail}`);
    this.fault = fault;
  }

  /** True where the connection is to blame, not the peer. */
  get isDamage(): boolean {
    return damages.has(this.fault);
  }
}
