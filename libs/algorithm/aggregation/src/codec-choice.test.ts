import { type FeedbackCodec, feedbackBytes } from "@latentweave/arithmetic";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCodecChoice } from "./codec-choice.ts";

const ladder: readonly FeedbackCodec[] = [{ kind: "whole" }, { kind: "int8" }, { kind: "topk", kept: 328 }];
const numbers = 26_815_688;
/** Bytes a millisecond. */
const [slow, middle, fast] = [12_500, 125_000, 5_000_000];

/** Steps of somebody whose link has this rate; what is sent is measured. */
function after(rate: number, otherMs: number, steps: number, choice = createCodecChoice(ladder)) {
  const reasons: string[] = [];
  for (let step = 0; step < steps; step++) {
    const bytes = feedbackBytes(choice.codec, numbers);
    choice.sent("peer", bytes, bytes / rate);
    const reason = choice.step(numbers, otherMs);
    if (reason !== undefined) reasons.push(reason);
  }
  return { choice, reasons, kind: choice.codec.kind };
}

describe("the choice of a codec", () => {
  it("leaves nothing out until something is measured, and where the link is fast enough", () => {
    const choice = createCodecChoice(ladder);
    expect(choice.step(numbers, 800)).toBeUndefined();
    expect(choice.codec.kind).toBe("whole");
    expect(after(fast, 800, 20).kind).toBe("whole");
  });

  it("is the first that takes a quarter of the rest of a step, or the last, and says why", () => {
    expect(after(middle, 1000, 5).kind).toBe("int8");
    const { kind, reasons } = after(slow, 800, 5);
    expect(kind).toBe("topk");
    expect(reasons).toEqual([
      "topk in place of whole: at 12.5 MB/s it takes 95 ms, not 8581, beside 800 of all else in a step",
    ]);
  });

  it("follows the slowest link", () => {
    const choice = createCodecChoice(ladder);
    const bytes = 4 * numbers;
    choice.sent("near", bytes, bytes / fast);
    choice.sent("far", bytes, bytes / slow);
    choice.step(numbers, 800);
    expect(choice.codec.kind).toBe("topk");
  });

  it("looks again, and goes back where the link has become fast", () => {
    const { choice } = after(slow, 800, 5);
    expect(after(fast, 800, 600, choice).kind).toBe("whole");
  });

  it("does not go back and forth, whatever the link and the step are, while they stay as they are", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e3, max: 1e7, noNaN: true }),
        fc.double({ min: 1, max: 1e5, noNaN: true }),
        (rate, otherMs) => {
          expect(after(rate, otherMs, 700).reasons.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("makes nothing of what fits into socket buffers", () => {
    const choice = createCodecChoice(ladder);
    choice.sent("peer", 1_000_000, 10_000);
    expect(choice.step(numbers, 1)).toBeUndefined();
  });
});
