export { createMemoryVaults, type MemoryVaults } from "./memory-vault.ts";
export { createPlainCompute } from "./plain-compute.ts";
export {
  type PlainBatch,
  plainEvaluate,
  type PlainGradient,
  plainGradient,
} from "./plain-compute-program.ts";
export { smallSpec } from "./small-job.ts";
