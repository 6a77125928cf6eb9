export {
  type Combination,
  type CombineInput,
  type Combiner,
  type CombinerConfig,
  type CombinerState,
  meanCombiner,
  sumCombiner,
} from "./combiner.ts";
export {
  beginGuard,
  type GuardDecision,
  type GuardedLoss,
  type GuardRule,
  type GuardState,
  judge,
} from "./guard.ts";
export { knownCombiners } from "./known-combiners.ts";
export {
  NameTakenError,
  combinerNamed,
  registerCombiner,
  registerRegulariser,
  regulariserNamed,
} from "./registry.ts";
export {
  type NoRegulariser,
  type Part,
  type QuadraticRegulariser,
  type Regulariser,
  type Related,
  type RowRegulariser,
  type SpectralRegulariser,
  type SplitRegulariser,
  noRegulariser,
  quadraticValue,
} from "./regulariser.ts";
export { type UserCombiner, userPrefix, type UserRegulariser } from "./user-methods.ts";
export { knownRegularisers } from "./known-regularisers.ts";
export { addProducts, combineBlock, mapRows, mixBlock, shrinkRows } from "./block.ts";
