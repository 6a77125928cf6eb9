export { createHistory, type History } from "./history.ts";
export { metricMeans } from "./metric-means.ts";
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
export { type ProfiledProcess } from "./profile/align-clocks.ts";
export {
  type PhaseFigures,
  phaseOrder,
  type ProcessFigures,
  type StepOfProcess,
} from "./profile/breakdown.ts";
export { type ChromeTrace, chromeTrace, type TraceEvent } from "./profile/chrome-trace.ts";
export { type PathPart, type PathPhase } from "./profile/critical-path.ts";
export { newestPart } from "./profile/newest-part.ts";
export { type ProfiledRun, profiledRun, type ProfiledStep, type Track } from "./profile/profiled-run.ts";
export { parseProfileLines, profileFiles, type ProfileLine, type Span } from "./profile/profile-line.ts";
export {
  type Culprit,
  type ProfileSummary,
  type SlowStep,
  type StepPath,
  summarise,
  sumsOf,
} from "./profile/summary.ts";
export { createSpanRecorder, type OwnRecorder } from "./profile/span-recorder.ts";
export { atMostEvery } from "./at-most-every.ts";
export { createStalenessTally, type StalenessTally } from "./staleness.ts";
export { type ExchangePoint, fitCosts } from "./prediction/fit-costs.ts";
export {
  type ClusterShape,
  type LinkShape,
  type NumberCosts,
  predictStep,
  type StepCosts,
  type StepPrediction,
} from "./prediction/step-time.ts";
