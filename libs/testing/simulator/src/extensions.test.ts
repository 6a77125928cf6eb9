import type { RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { finalHash } from "./final-hash.ts";
import { smallSpec } from "./small-job.ts";

/** A combiner that remembers, and a regulariser: as a bundled extension has them. */
const userModule = `
var combiners = {
  ages: {
    needsGram: true,
    init: () => 0,
    solve: ({ taskCount, gram, state }) => ({
      weights: Float64Array.from({ length: taskCount }, (_, t) => 1 / (1 + t + state + gram[t * taskCount + t])),
      state: state + 1,
    }),
  },
};
var regularisers = {
  chain: { kind: "quadratic", matrix: ({ options }) => Float64Array.of(1, -1, -1, 1).map((a) => a * options.user.strength) },
};
export { combiners, regularisers };
`;

describe("a job with a combiner and a regulariser of an extension", () => {
  const spec: RunSpec = smallSpec({
    ...{ steps: 4, hidden: 1500, userModule },
    combiner: { name: "user:ages", options: {} },
    regulariser: { omega: "user:chain", lambda: 0.1, options: { user: { strength: 2 } } },
  });

  it("has the same bits for any number of workers and shards", async () => {
    const reference = await finalHash(spec, 1, 1, 1);
    expect(await finalHash(spec, 3, 2, 2)).toBe(reference);
    const weaker = {
      ...spec,
      regulariser: { omega: "user:chain", lambda: 0.1, options: { user: { strength: 1 } } },
    };
    expect(await finalHash(weaker, 1, 1, 1)).not.toBe(reference);
    expect(await finalHash({ ...spec, combiner: { name: "sum", options: {} } }, 1, 1, 1)).not.toBe(reference);
  });
});
