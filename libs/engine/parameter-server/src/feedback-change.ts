import { addAgreement, type Agreement } from "@latentweave/aggregation";
import {
  type Arithmetic,
  type FeedbackCodec,
  feedbackBytes,
  feedbackKernels,
  mostFeedbackBytes,
} from "@latentweave/arithmetic";
import { blockNumbers } from "@latentweave/parameters";
import type { ChangedBlock, ChangeRounder, RoundedChange } from "./round-change.ts";

/**
 * Broadcasts of part of the change, with error feedback. A version is what everybody has: version n+1 *is* version n
 * plus what is encoded of (what the optimiser made − version n). The rest is owed, a section of the state like the
 * optimiser's own (`owedSection`): the optimiser goes on from the version plus what it owes. All of it follows from
 * version n and its state, block by block, so that it keeps the bits whatever the shards are. The last version owes
 * nothing: it is what the optimiser made, and travels whole.
 */
export function createFeedbackRounder(
  arithmetic: Arithmetic,
  /** What is sent with from now on; the same for all of a version. */
  chosen: () => FeedbackCodec,
): ChangeRounder {
  const kernels = feedbackKernels(arithmetic);
  const room = arithmetic.allocate(mostFeedbackBytes(blockNumbers));
  const from = arithmetic.allocate(blockNumbers * 4);

  const exact: RoundedChange["exact"] = ({ params, owed, numbers }) => {
    arithmetic.add(from, params, owedOf(owed), numbers);
    return from;
  };
  const measure = (
    agreement: Agreement,
    codec: FeedbackCodec,
    next: number,
    scratch: number,
    numbers: number,
  ): void => {
    arithmetic.scaleInto(scratch, from, -1, numbers);
    arithmetic.add(scratch, next, scratch, numbers);
    arithmetic.fill(from, 0, numbers);
    kernels.add(codec, from, room, numbers);
    addAgreement(arithmetic, agreement, scratch, from, numbers);
  };

  return {
    open(all, last, agreement) {
      const codec = chosen();
      const isWhole = last || codec.kind === "whole";
      const encoded = isWhole ? undefined : new Uint8Array(feedbackBytes(codec, all));
      return {
        encoded,
        kind: codec.kind,
        exact,
        round({ params, next, nextOwed, scratch, offset, numbers }: ChangedBlock) {
          const left = owedOf(nextOwed);
          if (!encoded) {
            arithmetic.fill(left, 0, numbers);
            return;
          }
          arithmetic.scaleInto(left, params, -1, numbers);
          arithmetic.add(left, next, left, numbers);
          kernels.take(codec, room, left, numbers);
          if (agreement) measure(agreement, codec, next, scratch, numbers);
          arithmetic.u8(next, numbers * 4).set(arithmetic.u8(params, numbers * 4));
          kernels.add(codec, next, room, numbers);
          const bytes = feedbackBytes(codec, numbers);
          encoded.set(arithmetic.u8(room, bytes), feedbackBytes(codec, offset));
        },
      };
    },
  };
}

function owedOf(pointer: number | undefined): number {
  if (pointer === undefined) throw new RangeError("the state has no section of what is owed");
  return pointer;
}
