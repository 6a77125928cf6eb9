import type { LabelledShare } from "./description.ts";

interface HeadBase {
  readonly name: string;
  readonly weight: number;
  readonly column: string;
  /**
   * Some labels are missing: −1 in an int32 column, NaN in a float32 one. They count nothing, and the weight is over the
   * share of those that are there, so that the loss is the mean over these. Absent: none is missing.
   */
  readonly labelled?: LabelledShare;
}

interface ClassificationTerm extends HeadBase {
  readonly kind: "classification";
  /** Softmax cross-entropy of these logits, [batch, classes], against the int32 column. */
  readonly logits: number;
  readonly classes: number;
}

interface MultiLabelTerm extends HeadBase {
  readonly kind: "multiLabel";
  /** Mean over labels of the sigmoid cross-entropy of these logits, [batch, labels], against the float32 column. */
  readonly logits: number;
  readonly labels: number;
}

interface RegressionTerm extends HeadBase {
  readonly kind: "regression";
  /** Mean over targets of squared differences, float32 column [batch, numbers]. */
  readonly prediction: number;
}

/** Mean over targets of ½(log 2π + log v + (y − μ)²/v), v = eˢ + 1e-6. */
interface GaussianTerm extends HeadBase {
  readonly kind: "gaussian";
  /** [batch, 2 · numbers]: every μ, then every s. */
  readonly prediction: number;
  readonly numbers: number;
}

/** What a head is trained by. */
export type HeadTerm = ClassificationTerm | MultiLabelTerm | RegressionTerm | GaussianTerm;
