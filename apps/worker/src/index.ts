export { runWorkerProcess, type WorkerProcessOptions } from "./run-worker.ts";
export { computeNothing } from "./compute-nothing.ts";
export { openPreparedRows } from "./open-prepared-rows.ts";
