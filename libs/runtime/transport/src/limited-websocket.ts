import { closeCodes } from "@latentweave/protocol";
import { WebSocket } from "ws";

/** The codes with which the library closes by itself, and ours for the same. */
const ourCodes: Readonly<Record<number, number>> = {
  1002: closeCodes.damaged,
  1007: closeCodes.damaged,
  1008: closeCodes.damaged,
  1009: closeCodes.frameTooLarge,
};

const ourReasons: Readonly<Record<number, string>> = {
  [closeCodes.damaged]: "not a valid WebSocket message",
  [closeCodes.frameTooLarge]: "frame over the limit",
};

/** A WebSocket whose own limits speak in the close codes of docs/protocol.md. */
export class LimitedWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const ours = code === undefined ? undefined : ourCodes[code];
    if (ours === undefined) super.close(code, reason);
    else super.close(ours, ourReasons[ours]);
  }
}

/** Of every WebSocket here, on both sides. */
export const webSocketOptions = {
  /** Gradients do not compress, and the attempt costs more than the network. */
  perMessageDeflate: false,
  /** After a close frame was sent the other side has this long to answer (ms). */
  closeTimeout: 2_000,
} as const;

/** Kept for a peer that does not read; beyond it the connection is given up. */
export const defaultMaxBufferedBytes = 1024 * 1024 * 1024;
