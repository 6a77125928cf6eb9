import type * as core from "@tensorflow/tfjs-core";

/** The TensorFlow.js namespace as a value: each backend brings the copy of the library that it was built for. */
export type Tf = typeof core;
export type Tensor = core.Tensor;
