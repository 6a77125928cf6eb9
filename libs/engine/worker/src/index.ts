export { createRowSource, type RowReader, type Rows, type RowSource } from "./row-source.ts";
export { createWorker, type Worker, type WorkerEnd, type WorkerOptions } from "./worker.ts";
