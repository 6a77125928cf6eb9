export {
  activation,
  averagePooling,
  convolution,
  defineJob,
  dense,
  dropout,
  flatten,
  type JobInput,
  maxPooling,
  normalisation,
  reshape,
  transposedConvolution,
  userLayer,
} from "@latentweave/job";
export type { LayerSpec, UserLayer, UserLayerContext } from "@latentweave/model";
