export { createRowSource, type RowReader, type Rows, type RowSource } from "./row-source.ts";
export { createSlotProgram, type SlotProgram } from "./slot-program.ts";
export { createWorker, type Worker, type WorkerEnd } from "./worker.ts";
export { type RelayPort, type WorkerOptions } from "./worker-options.ts";
export { openRelayedStep, type RelayedStep } from "./relay/relayed-step.ts";
export { recomputeStep, type WantedNode } from "./recompute-step.ts";
