export { createRunStore, type RunStoreOptions } from "./run-store.ts";
export {
  checkpointSource,
  newestCheckpoint,
  openLatestCheckpoint,
  verifyCheckpoint,
  type Verification,
} from "./checkpoint-reader.ts";
export { bestVersion } from "./best-marks.ts";
export { createDiskPatience, type DiskPatience } from "./disk-patience.ts";
export { createDiskThread } from "./disk/disk-thread.ts";
export { createPatientDisk } from "./disk/patient-disk.ts";
export { listCheckpoints, type StoredCheckpoint } from "./checkpoint-directory.ts";
export { examineCheckpoint, type Examination } from "./examine-checkpoint.ts";
export { textWithOwnChecksum } from "./own-checksum.ts";
export { CheckpointContractError } from "./placement.ts";
export { parameterHash } from "./hash-of-path.ts";
export { openWeights } from "./open-weights.ts";
export { type WeightSource, type WeightTensor } from "./weight-source.ts";
export { findRun, listRuns } from "./find-run.ts";
export {
  type CheckpointInspection,
  commitsOf,
  inspectRun,
  type LedgerInspection,
  readGuard,
  readTable,
  type RecordedGuard,
  type RelationInspection,
  type RunInspection,
  runIdOf,
  type TensorInspection,
} from "./inspect-run.ts";
export { diffRuns, type LedgerDifference, type RunDifference, type WeightsDifference } from "./diff-runs.ts";
export { diffTensors, type ReadTensor, type TensorDifference, type TensorNumbers } from "./diff-tensors.ts";
export { compareJobs, type JobChange } from "./compare-jobs.ts";
export {
  type CommitEntry,
  type Cut,
  cutsOf,
  isInEffect,
  ledgerFile,
  LedgerError,
  type LedgerEntry,
  readCommits,
  readLedger,
} from "./read-ledger.ts";
export { type LedgerIndex, openLedgerIndex } from "./ledger-index.ts";
export { type LedgerRecord, type SealRecord, sha256, type StartRecord } from "./ledger-line.ts";
export { type Manifest } from "./manifest.ts";
export { openSafetensors, type SafetensorsFile } from "./safetensors-file.ts";
export { SafetensorsError, type SafetensorsHeader, type StoredTensor } from "./safetensors-header.ts";
export { openInitialWeights, requireInitialWeights, writeInitialWeights } from "./initial-weights.ts";
export { writeParameters } from "./write-parameters.ts";
export { writeTextAtomically } from "./durable-file.ts";
