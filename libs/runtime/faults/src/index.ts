export { faultsEnvironment, type FaultSetting, type NumberedFault } from "./inside/setting.ts";
export { pick } from "./draw/choose.ts";
export { type KeyedRandom, keyedRandom } from "./draw/keyed-random.ts";
export { type OwnFaults, readOwnFaults } from "./inside/own-faults.ts";
export { type DiskState, type FaultFolder, faultFolder } from "./journal/fault-folder.ts";
export {
  type ComputedLine,
  followJournal,
  type JournalLine,
  readComputed,
  readJournal,
  steadyWallMs,
  writeJournal,
} from "./journal/journal.ts";
export { checkPlan, type RunShape } from "./plan/check-plan.ts";
export { describeAction } from "./plan/describe-fault.ts";
export {
  type Fault,
  type FaultKind,
  faultKinds,
  type FaultOf,
  type FaultPlan,
  type NetworkKind,
  networkKinds,
  type PlanJob,
  strikesItself,
} from "./plan/fault.ts";
export { parsePlan } from "./plan/parse-plan.ts";
export { randomPlan } from "./plan/random-plan.ts";
export { isSurvivable, roleOf } from "./plan/targets.ts";
export { type AddedFault } from "./proxy/active-faults.ts";
export {
  type Direction,
  type MessageFault,
  type ProxyCounts,
  type ProxyFault,
  type Way,
  type Which,
} from "./proxy/fault.ts";
export { createFaultyProxy, type FaultyProxy, type FaultyProxyOptions } from "./proxy/faulty-proxy.ts";

export { type FuzzFrame, fuzzFrame, type FuzzKind, fuzzKinds } from "./fuzz/fuzz-frame.ts";
export { fuzzWire, wireMessage } from "./fuzz/fuzz-wire.ts";
export { type Sample, sampleMessages } from "./fuzz/sample-messages.ts";
