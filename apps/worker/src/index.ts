export { runWorkerProcess, type WorkerProcessOptions } from "./run-worker.ts";
export { openPreparedRows } from "./open-prepared-rows.ts";
