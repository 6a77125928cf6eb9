import type { ResolvedJob } from "@latentweave/job";
import type { GroupSpec } from "@latentweave/parameters";
import { describe, expect, it } from "vitest";
import { tensorRulesSpec } from "./tensor-rules-spec.ts";

const tensor = (name: string, more: object = {}) => ({
  ...{ name, shape: [4], initialiser: { kind: "constant", value: 0 } as const },
  ...more,
});
const groups: readonly GroupSpec[] = [
  {
    name: "digits/encoder",
    tasks: ["digits"],
    tensors: [tensor("digits/encoder/0/kernel"), tensor("digits/encoder/0/bias")],
  },
  {
    name: "digits-alone/encoder",
    tasks: ["digits-alone"],
    tensors: [tensor("digits-alone/encoder/0/kernel", { drawnAs: "digits/encoder/0/kernel" })],
  },
  {
    name: "digits/codebook",
    tasks: ["digits"],
    tensors: [tensor("digits/codebook/sums", { movingAverage: { decay: 0.99 } })],
  },
];
const optimiser = { kind: "sgd", learningRate: 0.1 } as const;
const adam = { kind: "adam", learningRate: 0.01, beta1: 0.5, beta2: 0.9, epsilon: 1e-8 } as const;
const slow = { ...adam, learningRate: 0.001 };
const specOf = (job: Partial<Pick<ResolvedJob, "rates" | "optimisers">>) =>
  tensorRulesSpec({ rates: {}, optimiser, ...job }, groups);

describe("what a job says of tensors by patterns", () => {
  it("adds nothing to the spec where it says nothing, or nothing that differs", () => {
    expect(specOf({})).toEqual({});
    expect(specOf({ rates: { "*": 1 }, optimisers: { "*": optimiser } })).toEqual({});
  });

  it("is of the last pattern that fits, of a baseline's tensor as of its task's", () => {
    expect(
      specOf({
        rates: { "*/bias": 0 },
        optimisers: { "digits/*": adam, "*/kernel": slow, "*/bias": optimiser },
      }),
    ).toEqual({
      rates: { "digits/encoder/0/bias": 0 },
      optimisers: { "digits/encoder/0/kernel": slow, "digits-alone/encoder/0/kernel": slow },
    });
  });

  it("never gives an average an optimiser", () => {
    expect(Object.keys(specOf({ optimisers: { "*": adam } }).optimisers ?? {})).not.toContain(
      "digits/codebook/sums",
    );
    expect(() => specOf({ optimisers: { "*/sums": adam } })).toThrow(
      'optimisers["*/sums"]: fits no tensor that an optimiser updates',
    );
  });

  it("is refused where a pattern fits nothing, and where nothing would learn", () => {
    expect(() => specOf({ optimisers: { "letters/*": adam } })).toThrow('optimisers["letters/*"]: fits no');
    expect(() => specOf({ rates: { "letters/*": 1 } })).toThrow(
      'rates["letters/*"]: fits no tensor of the model',
    );
    expect(() => specOf({ rates: { "*": 0 } })).toThrow("nothing would be learned");
  });
});
