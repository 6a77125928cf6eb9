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
export { type KeyedRandom, keyedRandom } from "./proxy/keyed-random.ts";
export { type FuzzFrame, fuzzFrame, type FuzzKind, fuzzKinds } from "./fuzz/fuzz-frame.ts";
export { fuzzWire, wireMessage } from "./fuzz/fuzz-wire.ts";
export { type Sample, sampleMessages } from "./fuzz/sample-messages.ts";
