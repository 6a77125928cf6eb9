export {
  type Combination,
  type CombineInput,
  type Combiner,
  type CombinerConfig,
  type CombinerState,
  meanCombiner,
  sumCombiner,
} from "./combiner.ts";
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
  type QuadraticRegulariser,
  type Regulariser,
  meanRegulariser,
  noRegulariser,
  quadraticValue,
} from "./regulariser.ts";
export { addProducts, addQuadraticGradient, blockProducts, combineBlock } from "./block.ts";
