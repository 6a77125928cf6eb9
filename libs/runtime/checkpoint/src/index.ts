export { createRunStore, type RunStoreOptions } from "./run-store.ts";
export { openLatestCheckpoint, verifyCheckpoint, type Verification } from "./checkpoint-reader.ts";
export { CheckpointContractError } from "./placement.ts";
export { parameterHash, parametersFile } from "./hash-of-path.ts";
export { findRun, listRuns } from "./find-run.ts";
export {
  type CheckpointInspection,
  commitsOf,
  inspectRun,
  type LedgerInspection,
  readTable,
  type RunInspection,
  runIdOf,
  type TensorInspection,
} from "./inspect-run.ts";
export { diffRuns, type LedgerDifference, type RunDifference, type TensorDifference } from "./diff-runs.ts";
export { compareJobs, type JobChange } from "./compare-jobs.ts";
export {
  type CommitEntry,
  ledgerFile,
  LedgerError,
  type LedgerEntry,
  readCommits,
  readLedger,
} from "./read-ledger.ts";
export { type LedgerRecord, type SealRecord, type StartRecord } from "./ledger-line.ts";
export { type Manifest } from "./manifest.ts";
export { openSafetensors, type SafetensorsFile } from "./safetensors-file.ts";
export { SafetensorsError, type SafetensorsHeader, type StoredTensor } from "./safetensors-header.ts";
export { writeTextAtomically } from "./durable-file.ts";
