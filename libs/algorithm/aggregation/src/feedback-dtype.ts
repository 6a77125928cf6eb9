import type { FeedbackCodec } from "@latentweave/arithmetic";
import type { PayloadHeader } from "@latentweave/protocol";

const dtypes: Readonly<Record<FeedbackCodec["kind"], PayloadHeader["dtype"]>> = {
  whole: "F32",
  int8: "I8",
  topk: "TOPK",
};

/** How a gradient is written in a push, of which the rest comes with later ones. */
export function feedbackDtype({ kind }: FeedbackCodec): PayloadHeader["dtype"] {
  return dtypes[kind];
}

/** Of those that a sender may choose from, the one that a payload is written with. */
export function feedbackOf(
  dtype: PayloadHeader["dtype"],
  choices: readonly FeedbackCodec[],
): FeedbackCodec | undefined {
  return choices.find((codec) => feedbackDtype(codec) === dtype);
}
