export { UserError, type UserErrorParts } from "./user-error.ts";
export { cacheDirectory } from "./cache-directory.ts";
export { type Channel, type CloseCode, type Dialer, ChannelRefused, closeCodes } from "./channel.ts";
export { type Clock, systemClock } from "./clock.ts";
export {
  type Deal,
  type Lease,
  type Message,
  type MessageOf,
  parseMessage,
  type PausedTask,
  type PayloadHeader,
  type Profiled,
  ProtocolError,
  mostPiecesUnderWay,
  protocolVersion,
  type ReceivedNodes,
  type TaskRecord,
  type Work,
  type Timings,
} from "./messages.ts";
export {
  type CoordinatorMoment,
  type Moment,
  moments,
  momentsOfRelays,
  type Probe,
  type ShardMoment,
  type WorkerMoment,
} from "./moments.ts";
export {
  type FittedScale,
  type PreparedManifest,
  type PreparedShard,
  type PreparedSplit,
  type PreparedTarget,
  type PreparedText,
  type SplitName,
  preparedManifestSchema,
  splitNames,
} from "./prepared-manifest.ts";
export { createGathered, type Gathered, reportEveryMs } from "./gathered.ts";
export { type TreeNode } from "./tree-node.ts";
export { FrameError, type FrameFault } from "./frame-error.ts";
export { type Crc32, crc32 } from "./crc32.ts";
export {
  type Frame,
  type FrameReading,
  type FrameWriting,
  announcedBytes,
  decodeFrame,
  encodeFrame,
  frameBytes,
  frameVersion,
  maxFrameBytesLimit,
  maxHeaderBytes,
  maxSlices,
} from "./frame.ts";
export { neverChanging, neverChangingTogether } from "./never-changing.ts";
export { sliceAlignmentBytes } from "./slice-layout.ts";
export {
  type BestVersion,
  type CheckpointPlace,
  type CheckpointSink,
  type CheckpointSource,
  type CommitRecord,
  type LedgerEnd,
  makesVoid,
  type RunStore,
  type TimelineReason,
  type TimelineRecord,
  type VersionRecord,
} from "./run-store.ts";
export { type ProfilePhase, type SpanRecorder } from "./profile.ts";
export { type Adoption, type Vault } from "./vault.ts";
export { memoryLines, type SharedMemory, type SharedRange } from "./shared-memory.ts";
