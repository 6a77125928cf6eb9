export { runWorkerProcess, type WorkerProcessOptions } from "./run-worker.ts";
