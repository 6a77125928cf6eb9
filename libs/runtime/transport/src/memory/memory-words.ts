/**
 * What two sides of a connection say of the memory that they share. Words are frames like any other, so that none is
 * lost, repeated or moved unnoticed: whoever opened a range twice would read what lies at another place.
 */
export type MemoryWord =
  | { readonly kind: "offer"; readonly name: string }
  | { readonly kind: "answer"; readonly refusal: string | undefined };

/** Sent by a dialer that can share memory, and by a server that can and takes the dialer for a process of its host. */
export const memoryHeader = "x-latentweave-memory";
/** Of the layout in ring.ts. */
export const memoryVersion = "1";

export function offer(name: string): object {
  return { memory: name };
}

export function answer(refusal: string | undefined): object {
  return { opened: refusal ?? true };
}

/** @returns undefined for a frame's message that is no such word */
export function readWord(message: unknown): MemoryWord | undefined {
  if (typeof message !== "object" || message === null || "type" in message) return undefined;
  if ("memory" in message && typeof message.memory === "string")
    return { kind: "offer", name: message.memory };
  if ("opened" in message && message.opened === true) return { kind: "answer", refusal: undefined };
  if ("opened" in message && typeof message.opened === "string")
    return { kind: "answer", refusal: message.opened };
  return undefined;
}
