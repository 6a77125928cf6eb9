/**
 * A figure that costs a system call to read and changes slowly: read again only when the one at hand is older than `ms`.
 * @param nowMs of a clock that only goes forward
 */
export function atMostEvery(ms: number, nowMs: () => number, read: () => number): () => number {
  let value = 0;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const now = nowMs();
    if (now - readAtMs < ms) return value;
    readAtMs = now;
    value = read();
    return value;
  };
}
