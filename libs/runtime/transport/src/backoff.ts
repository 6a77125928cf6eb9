/** The longest first wait: a process that was restarted on the same host is back within about this time. */
export const firstDelayMs = 250;
/** Doubling spreads the load of a fleet that lost its coordinator; tripling would leave gaps that a person notices. */
export const growth = 2;
/** A person who mends a network waits no longer than this for the fleet; 1,000 workers then make 100 calls a second. */
export const longestDelayMs = 20_000;
/**
 * The same on one host, where there are as many processes as it bears and a refused attempt costs a fraction of a
 * millisecond: what was started again is found at once, however long it took.
 */
export const longestLocalDelayMs = 500;
/** No wait is shorter: where the peer refuses at once, a zero would make a busy loop. */
export const shortestDelayMs = 20;

/**
 * How long to wait before a further attempt to connect: exponential back-off with full jitter (uniform between almost
 * nothing and the bound), so that workers which lost the same coordinator at the same moment come back spread out.
 *
 * @param attempt failed attempts so far in this row, 0 for the first wait.
 * @param random01 uniform in [0, 1).
 * @param longestMs bound of the longest wait.
 */
export function backoffMs(attempt: number, random01: number, longestMs = longestDelayMs): number {
  // Counted rather than computed as a power: 7 doublings reach the bound.
  let boundMs = firstDelayMs;
  for (let i = 0; i < attempt && boundMs < longestMs; i++) boundMs *= growth;
  return shortestDelayMs + random01 * (Math.min(boundMs, longestMs) - shortestDelayMs);
}
