export { createPlainCompute } from "./plain-compute.ts";
export {
  type PlainBatch,
  plainEvaluate,
  type PlainGradient,
  plainGradient,
} from "./plain-compute-program.ts";
export { type Cluster, createCluster, randomRows, type SimulatedWorker } from "./cluster.ts";
export { createChannelPair } from "./sim-channel.ts";
export { smallClasses, smallSpec, smallWidth } from "./small-job.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
export { createFakePeer, type FakePeer } from "./fake-peer.ts";
export { createMemoryStore, type MemoryRunStore } from "./memory-store.ts";
