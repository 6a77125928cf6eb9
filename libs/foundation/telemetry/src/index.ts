export { createHistory, type History } from "./history.ts";
export {
  type CommitPoint,
  type RunEvent,
  type RunSnapshot,
  type RunState,
  type StreamMessage,
  type TaskSnapshot,
  type WorkerSnapshot,
  type WorkerState,
} from "./run-snapshot.ts";
export { atMostEvery } from "./at-most-every.ts";
export { createStalenessTally, type StalenessTally } from "./staleness.ts";
