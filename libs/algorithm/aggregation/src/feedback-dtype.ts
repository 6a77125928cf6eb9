import type { FeedbackCodec } from "@latentweave/arithmetic";
import type { PayloadHeader } from "@latentweave/protocol";

const dtypes: Readonly<Record<FeedbackCodec["kind"], PayloadHeader["dtype"]>> = { topk: "TOPK" };

/** How a gradient is written in a push, of which the rest comes with later ones. */
export function feedbackDtype({ kind }: FeedbackCodec): PayloadHeader["dtype"] {
  return dtypes[kind];
}
