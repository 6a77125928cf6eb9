import { describe, expect, it } from "vitest";
import { updateThreads } from "./update-threads.ts";

describe("threads of a shard's updates", () => {
  it.each([
    [1, 1, 1],
    [2, 1, 1],
    [4, 1, 2],
    [16, 1, 8],
    [16, 4, 2],
    [16, 16, 1],
    [128, 2, 8],
  ])("of %i processors and %i shards are %i", (cores, shards, threads) => {
    expect(updateThreads({ cores, shards, env: {} })).toBe(threads);
  });

  it("are as many as the environment says", () => {
    expect(updateThreads({ cores: 2, shards: 1, env: { LATENTWEAVE_SHARD_THREADS: "5" } })).toBe(5);
  });

  it.each(["0", "9", "two", "1.5"])("cannot be %s", (said) => {
    expect(() => updateThreads({ cores: 2, shards: 1, env: { LATENTWEAVE_SHARD_THREADS: said } })).toThrow(
      new RegExp(`LATENTWEAVE_SHARD_THREADS is "${said}"\\n  expected: a whole number from 1 to 8`),
    );
  });
});
