/** The product's own connections, as a worker process has them. Runs inside a bundle. */
import { parseMessage, systemClock } from "@latentweave/protocol";
import { createWebSocketDialer, keepConnected } from "@latentweave/transport";

/** As in the worker's process. */
const usualHeartbeatMs = 5_000;

/** @param onRoundTrip ms from a heartbeat to its answer */
export function createConnections(onRoundTrip, heartbeatMs = usualHeartbeatMs) {
  const dialer = createWebSocketDialer({
    clock: systemClock,
    parseMessage,
    maxFrameBytes: 2 ** 31 - 1,
    heartbeatMs,
    onRoundTrip,
  });
  return {
    /** @returns the way in which it ended */
    keep: (url, onChannel, signal) =>
      keepConnected({
        dialer,
        url,
        clock: systemClock,
        random: Math.random,
        onChannel,
        onWaiting: () => undefined,
        signal,
      }),
  };
}

export const webSocketUrl = (url, path) => new URL(path, url.replace(/^http/, "ws")).href;
