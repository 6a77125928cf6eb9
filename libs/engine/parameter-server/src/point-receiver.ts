import type { MessageOf } from "@latentweave/protocol";
import type { RecoveryPoint } from "./recovery-point.ts";

/** Puts a copy together that comes in pieces over one connection; one of another version takes its place. */
export interface PointReceiver {
  /** The version that is on its way. */
  readonly version: number | undefined;
  slice(message: MessageOf<"point-slice">, bytes: Uint8Array): void;
  /** @returns the copy; undefined when pieces of it were not heard */
  end(message: MessageOf<"point-end">): RecoveryPoint | undefined;
  /** The connection has ended: the rest of it will not come. */
  startOver(): void;
}

export function createPointReceiver(): PointReceiver {
  let version: number | undefined;
  let parts: RecoveryPoint["parts"][number][] = [];
  const at = (next: number): void => {
    if (version === next) return;
    version = next;
    parts = [];
  };
  return {
    get version() {
      return version;
    },
    slice({ version: of, section, slice }, bytes) {
      at(of);
      // The channel's buffer is only ours during this call (Channel, invariant 4).
      parts.push({ section, slice, bytes: bytes.slice() });
    },
    end({ version: of, pieces, combiner }) {
      at(of);
      const point = parts.length === pieces ? { version: of, parts, combiner } : undefined;
      version = undefined;
      parts = [];
      return point;
    },
    startOver() {
      version = undefined;
      parts = [];
    },
  };
}
