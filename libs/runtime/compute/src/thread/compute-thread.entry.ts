import { parentPort, workerData } from "node:worker_threads";
import type { ThreadData } from "./messages.ts";
import { serveCompute } from "./serve-compute.ts";

/** Entry of the compute thread: bundled as a file of its own. */
if (!parentPort) throw new Error("compute-thread is an entry for a worker thread");
await serveCompute(parentPort, workerData as ThreadData);
