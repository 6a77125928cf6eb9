import type { OpenDigest } from "@latentweave/arithmetic";
import { type MessageOf, ProtocolError } from "@latentweave/protocol";
import { nodeName } from "../tree.ts";

/** What has come so far of a contribution that comes in portions. */
export interface OpenContribution {
  /** Of all its bytes in order. */
  readonly digest: OpenDigest;
  /** Some of it was not held before. */
  isNew: boolean;
  /** The payload that is due. */
  next: number;
}

/**
 * Contributions that come in portions, each by its sender and node: the portions of one come in order from its first
 * payload on. Whoever begins with the first payload again starts it anew.
 */
export interface OpenContributions {
  /**
   * The contribution that the message begins, goes on with, or is the whole of.
   * @throws ProtocolError where its portion is not the one that is due
   */
  of(message: MessageOf<"push">, workerId: string): OpenContribution;
  /** The message is the last of its contribution, or the whole of it. */
  isLast(message: MessageOf<"push">): boolean;
  /** The message was taken: what follows it is due. */
  took(message: MessageOf<"push">, workerId: string, contribution: OpenContribution): void;
  readonly isEmpty: boolean;
  clear(): void;
}

export function createOpenContributions(openDigest: () => OpenDigest): OpenContributions {
  const open = new Map<string, OpenContribution>();
  const keyOf = ({ round, task, node }: MessageOf<"push">, workerId: string): string =>
    `${workerId}\n${task}\n${round} ${nodeName(node)}`;
  const isLast = ({ portion, payloads }: MessageOf<"push">): boolean =>
    !portion || portion.from + payloads.length === portion.of;
  return {
    of(message, workerId) {
      const { portion, payloads, node } = message;
      if (!portion) return { digest: openDigest(), isNew: false, next: 0 };
      const { from, of } = portion;
      const known = from === 0 ? undefined : open.get(keyOf(message, workerId));
      const due = known?.next ?? 0;
      if (from !== due || payloads.length === 0 || from + payloads.length > of)
        throw new ProtocolError(
          `payloads ${from} to ${from + payloads.length} of ${of} of node ${nodeName(node)}, where payload ${due} is due`,
        );
      return known ?? { digest: openDigest(), isNew: false, next: 0 };
    },
    isLast,
    took(message, workerId, contribution) {
      const { portion, payloads } = message;
      if (!portion) return;
      contribution.next = portion.from + payloads.length;
      if (isLast(message)) open.delete(keyOf(message, workerId));
      else open.set(keyOf(message, workerId), contribution);
    },
    get isEmpty() {
      return open.size === 0;
    },
    clear: () => open.clear(),
  };
}
