export {
  type Arithmetic,
  type ArithmeticOperations,
  type BlockKernels,
  type BlockUpdate,
  type CodecKernels,
  type LargestKernels,
  type OpenDigest,
  type OptimiserKernels,
  type RandomFills,
  type VectorsOf,
  loadArithmetic,
  withSizes,
} from "./arithmetic.ts";
export { type ElementKernels, type PassKernels, passNumbers } from "./block-pass.ts";
export { type Codec, codecBlockNumbers, codecs, encodedBytes } from "./codec.ts";
export type { DigestPiece } from "./digest.ts";
export { ArithmeticMemoryError, InvalidFreeError, pageBytes as arithmeticPageBytes } from "./arena.ts";
export { differingKernel } from "./differing-kernel.ts";
export { mostThreads, type NativeKernels } from "./native-kernels.ts";
export { halfToNumber } from "./half.ts";
export { type Key, randomKey } from "./key.ts";
export { permute } from "./permutation.ts";
export { type PhiloxWords, philox4x32 } from "./philox.ts";
export { keptOf, largestBlockNumbers, largestBytes } from "./largest.ts";
export {
  type FeedbackCodec,
  feedbackBytes,
  type FeedbackKernels,
  feedbackKernels,
  mostFeedbackBytes,
} from "./feedback.ts";
