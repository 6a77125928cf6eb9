/**
 * The one module through which every number passes that can reach a weight. It imports nothing from its host, so
 * its results are fixed by the WebAssembly specification (NaN payloads apart, and a NaN never commits).
 */
export { heapBase, exp, log, pow, sin, cos, tanh } from "./scalar";
export { add, scaleInto, accumulate, fill } from "./elementwise";
export { dot, allFinite } from "./reduction";
export { encode, decode, roundTo } from "./codec";
export { takeLargest, addLargest } from "./largest";
export { sgd, momentum, adam } from "./optimiser";
export {
  digestStart,
  digestFeed,
  digestEnd,
  digestWindow,
  digestState,
  digestStateBytes,
  digestResume,
} from "./digest";
export { fillUniform, fillNormal, fillBernoulliMask } from "./random";
