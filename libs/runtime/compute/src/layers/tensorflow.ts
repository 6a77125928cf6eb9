import type * as core from "@tensorflow/tfjs-core";

export type { Tf } from "../backend/loaded-backend.ts";
export type Tensor = core.Tensor;
/** A tensor as kernels see it. */
export type TensorInfo = core.TensorInfo;
