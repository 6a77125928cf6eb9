export {
  type Arithmetic,
  type BlockKernels,
  type BlockUpdate,
  type OptimiserKernels,
  type RandomFills,
  loadArithmetic,
} from "./arithmetic.ts";
export type { DigestPiece } from "./digest.ts";
export { ArithmeticMemoryError, InvalidFreeError, pageBytes as arithmeticPageBytes } from "./arena.ts";
export { type Key, randomKey } from "./key.ts";
export { permute } from "./permutation.ts";
export { type PhiloxWords, philox4x32 } from "./philox.ts";
