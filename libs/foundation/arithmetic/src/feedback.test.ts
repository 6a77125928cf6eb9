import fc from "fast-check";
import { expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";
import { type FeedbackCodec, feedbackBytes, feedbackKernels } from "./feedback.ts";
import { randomKey } from "./key.ts";

const arithmetic = loadArithmetic();
const kernels = feedbackKernels(arithmetic);
const most = 40_000;
const [source, encoded, sum] = [0, 1, 2].map(() => arithmetic.allocate(most * 5)) as [number, number, number];
const codecs: readonly FeedbackCodec[] = [{ kind: "whole" }, { kind: "int8" }, { kind: "topk", kept: 1000 }];

test.each(codecs)("$kind: what is sent and what is left make up what there was", (codec) => {
  const lengths = fc.constantFrom(1, 255, 257, 16_384, 16_385, most);
  fc.assert(
    fc.property(lengths, fc.integer(), (n, seed) => {
      arithmetic.fillNormal(source, n, randomKey(seed, "feedback"), 0, 0, 1);
      const before = arithmetic.f32(source, n).slice();
      kernels.take(codec, encoded, source, n);
      arithmetic.fill(sum, 0, n);
      kernels.add(codec, sum, encoded, n);
      const [left, sent] = [arithmetic.f32(source, n), arithmetic.f32(sum, n)];
      for (const [place, value] of before.entries())
        if (Math.abs((left[place] as number) + (sent[place] as number) - value) > 1e-6 * Math.abs(value))
          throw new Error(`number ${place}: ${sent[place]} and ${left[place]} of ${value}`);
    }),
    { numRuns: 30 },
  );
});

test.each(codecs)("$kind: shows what is not finite, and carries nothing of it on", (codec) => {
  arithmetic.fillNormal(source, 20_000, randomKey(1, "feedback"), 0, 0, 1);
  arithmetic.f32(source, 20_000)[17_000] = Number.NaN;
  kernels.take(codec, encoded, source, 20_000);
  arithmetic.fill(sum, 0, 20_000);
  kernels.add(codec, sum, encoded, 20_000);
  expect(arithmetic.allFinite(sum, 20_000)).toBe(false);
  expect(arithmetic.allFinite(source, 20_000)).toBe(true);
});

test.each(codecs)("$kind: a part of whole blocks has the bytes that it has in the whole", (codec) => {
  arithmetic.fillNormal(source, most, randomKey(2, "feedback"), 0, 0, 1);
  const part = arithmetic.f32(source, most).slice(16_384, most);
  kernels.take(codec, encoded, source, most);
  const all = arithmetic.u8(encoded, feedbackBytes(codec, most)).slice();
  arithmetic.f32(source, part.length).set(part);
  kernels.take(codec, encoded, source, part.length);
  const own = arithmetic.u8(encoded, feedbackBytes(codec, part.length));
  expect(all.subarray(feedbackBytes(codec, 16_384))).toEqual(own.slice());
});
