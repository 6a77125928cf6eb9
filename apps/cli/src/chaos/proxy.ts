import { createFaultyProxy, type FaultyProxy, keyedRandom } from "@latentweave/faults";
import { systemClock } from "@latentweave/protocol";

/** Where damage falls depends on nothing but the proxy's own count of messages. */
const placeSeed = 1;

/** Stands before a port of this machine and lets everything pass until told otherwise. */
export function standBefore(port: number): Promise<FaultyProxy> {
  return createFaultyProxy({
    target: { host: "127.0.0.1", port },
    listen: { host: "127.0.0.1", port: 0 },
    faults: [],
    clock: systemClock,
    random: keyedRandom(placeSeed),
  });
}
