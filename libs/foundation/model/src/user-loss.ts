/**
 * A reconstruction loss that a job's extension brings along (docs/extending.md). It gets the TensorFlow.js namespace, so
 * the module needs no dependency.
 */
export interface UserLoss {
  /**
   * What each sample loses: a tensor [batch], of tensors [batch, numbers]; differentiable by TensorFlow.js, in
   * `prediction` at least.
   */
  apply(context: {
    /** `@tensorflow/tfjs-core`. */
    readonly tf: unknown;
    readonly prediction: unknown;
    readonly target: unknown;
    readonly options: Readonly<Record<string, unknown>>;
  }): unknown;
}
