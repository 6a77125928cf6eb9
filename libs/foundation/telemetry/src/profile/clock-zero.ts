/** A process may be put aside between any two of its instructions, but hardly between all of these. */
const tries = 16;

/**
 * What one clock shows when another is at zero. They cannot be read at once: of several readings of the first between
 * two of the second, that counts which took least.
 */
export function clockZeroMs(hostNowMs: () => number, nowMs: () => number): number {
  let leastMs = Number.POSITIVE_INFINITY;
  let zeroMs = 0;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const beforeMs = nowMs();
    const hostMs = hostNowMs();
    const afterMs = nowMs();
    if (afterMs - beforeMs >= leastMs) continue;
    leastMs = afterMs - beforeMs;
    zeroMs = hostMs - (beforeMs + afterMs) / 2;
  }
  return zeroMs;
}
