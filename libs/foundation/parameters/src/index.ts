export {
  blockNumbers,
  createLayout,
  familiesOf,
  type GroupSpec,
  type Initialiser,
  LayoutError,
  type ParameterGroup,
  type ParameterLayout,
  type PlacedTensor,
  tensorAlignment,
  type TensorSpec,
} from "./layout.ts";
export { blockSlice, ownership, type Slice, sliceBytes } from "./ownership.ts";
