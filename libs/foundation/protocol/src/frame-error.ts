/** Why bytes are not a frame. */
export type FrameFault =
  "truncated" | "tooLarge" | "badMagic" | "wrongVersion" | "trailingBytes" | "malformed";

/** Bytes from a peer that are not a frame, or values from us that cannot become one. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  readonly fault: FrameFault;

  constructor(fault: FrameFault, detail: string) {
    super(`bad frame (${fault}): ${detail}`);
    this.fault = fault;
  }
}
