/**
 * A process with one worker: the engine and the connections of a real one, but it connects again at once whatever
 * happened, so that thousands of frames reach it in a short time. Bundled and started by the test; it says its memory
 * when it is sent a line, and ends with its input.
 */
import { createInterface } from "node:readline";
import { loadArithmetic } from "@latentweave/arithmetic";
import { type Channel, ChannelRefused, parseMessage, systemClock } from "@latentweave/protocol";
import { createPlainCompute } from "@latentweave/simulator";
import { createWebSocketDialer } from "@latentweave/transport";
import { createWorker } from "@latentweave/worker-engine";

const url = process.argv[2] as string;
const arithmetic = loadArithmetic();
const dialer = createWebSocketDialer({
  clock: systemClock,
  parseMessage,
  maxFrameBytes: 64 * 2 ** 20,
  heartbeatMs: 1_000,
});
let workers = 0;

/** Until `isOver`: one connection after another. */
async function keep(
  path: string,
  onChannel: (channel: Channel) => void,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    try {
      const channel = await dialer.dial(new URL(path, url).href);
      const closed = new Promise<void>((resolve) => channel.onClose(() => resolve()));
      onChannel(channel);
      await closed;
    } catch (error) {
      if (!(error instanceof ChannelRefused)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** One worker after another: some words of a coordinator end one, as they should. */
async function work(): Promise<void> {
  for (;;) {
    let over = false;
    const isOver = (): boolean => over;
    const worker = createWorker({
      runId: "fuzzed",
      workerId: "fuzz",
      arithmetic,
      clock: systemClock,
      compute: createPlainCompute(),
      canary: async () => "canary",
      openRows: async () => ({
        rows: async (_split, refs) => ({ x: new Float32Array(refs.length * 4), columns: {} }),
        prefetch: () => undefined,
        fetchedBytes: 0,
        close: async () => undefined,
      }),
      keepShard(_address, onChannel) {
        let stopped = false;
        void keep("/v1/shard", onChannel, () => over || stopped);
        return {
          stop() {
            stopped = true;
          },
        };
      },
      identity: { host: "fuzzed", pid: process.pid, software: "fuzz" },
      residentBytes: () => 0,
      log: () => undefined,
    });
    void keep("/v1/coordinator", (channel) => worker.join(channel), isOver);
    await worker.ended;
    workers += 1;
    over = true;
  }
}

createInterface({ input: process.stdin })
  .on("line", () => {
    globalThis.gc?.();
    process.stdout.write(`${JSON.stringify({ workers, residentBytes: process.memoryUsage.rss() })}\n`);
  })
  .on("close", () => process.exit(0));
void work();
