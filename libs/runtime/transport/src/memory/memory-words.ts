/** What two sides of a connection say of the memory that they share, as text messages between the frames. */
export type MemoryWord =
  | { readonly kind: "offer"; readonly name: string }
  | { readonly kind: "answer"; readonly refusal: string | undefined };

/** Sent by both sides of a handshake that can share memory of this host. */
export const memoryHeader = "x-latentweave-memory";
/** Of the layout in ring.ts. */
export const memoryVersion = "1";

const mostBytes = 1_000;

export function offerText(name: string): string {
  return JSON.stringify({ memory: name });
}

export function answerText(refusal: string | undefined): string {
  return JSON.stringify({ opened: refusal ?? true });
}

/** @returns undefined for what is no such word */
export function readWord(text: string): MemoryWord | undefined {
  if (text.length > mostBytes) return undefined;
  let word: unknown;
  try {
    word = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof word !== "object" || word === null) return undefined;
  if ("memory" in word && typeof word.memory === "string") return { kind: "offer", name: word.memory };
  if ("opened" in word && word.opened === true) return { kind: "answer", refusal: undefined };
  if ("opened" in word && typeof word.opened === "string") return { kind: "answer", refusal: word.opened };
  return undefined;
}
