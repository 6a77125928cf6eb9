export { createMemoryVaults, type MemoryVaults } from "./memory-vault.ts";
export { createPlainCompute } from "./plain-compute.ts";
export {
  type PlainBatch,
  plainEvaluate,
  type PlainGradient,
  plainGradient,
} from "./plain-compute-program.ts";
export { type SimulatedHosts, simulateHosts } from "./timed-hosts.ts";
export { randomRows } from "./cluster.ts";
export { smallClasses, smallSpec, smallWidth } from "./small-job.ts";
