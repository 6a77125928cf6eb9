import type { RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { createCluster, randomRows } from "./cluster.ts";
import { finalHash } from "./final-hash.ts";
import { checkpointAt } from "./small-cluster.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";

const rows = randomRows(smallWidth, smallClasses);
const momentum = { kind: "momentum", learningRate: 0.05, momentum: 0.9, nesterov: false } as const;

/** Each regulariser, strong enough to show. */
const regularisers: Readonly<Record<string, Partial<RunSpec>>> = {
  graph: { regulariser: { omega: "graph", lambda: 0.1, options: { similarity: [0, 1, 1, 0] } } },
  l21: { regulariser: { omega: "l21", lambda: 0.02 }, optimiser: momentum },
  robust: { regulariser: { omega: "robust", lambda: 0.02, options: { sparse: 0.01 } }, optimiser: momentum },
  dirty: { regulariser: { omega: "dirty", lambda: 0.02, options: { sparse: 0.01 } }, optimiser: momentum },
  trace: { regulariser: { omega: "trace", lambda: 0.02 }, optimiser: momentum },
  clustered: {
    regulariser: { omega: "clustered", lambda: 0.05, options: { clusters: 1, eta: 0.1, everySteps: 2 } },
  },
  mtrl: { regulariser: { omega: "mtrl", lambda: 0.01, options: { epsilon: 1e-3, everySteps: 3 } } },
};
const learned = ["clustered", "mtrl"];

describe("tasks that are related give one hash on any cluster", () => {
  const plain = finalHash(smallSpec(), 1, 1, 1);

  it.each(Object.entries(regularisers))("%s on the heads, and it does something", async (_, change) => {
    const spec = smallSpec(change);
    const reference = await finalHash(spec, 1, 1, 1);
    expect(await finalHash(spec, 3, 2, 3)).toBe(reference);
    expect(await finalHash(spec, 2, 3, 4)).toBe(reference);
    const without =
      spec.optimiser === momentum ? finalHash(smallSpec({ optimiser: momentum }), 1, 1, 1) : plain;
    expect(reference).not.toBe(await without);
  });

  it.each(Object.entries(regularisers))("%s on encoders of several blocks", async (_, change) => {
    const spec = smallSpec({ ...change, steps: 3, hidden: 1500, on: "encoder" });
    expect(await finalHash(spec, 3, 3, 2)).toBe(await finalHash(spec, 1, 1, 1));
  });
});

describe("what is learned about the tasks", () => {
  it.each(learned)(
    "%s goes on from a checkpoint between two refreshes, on another number of shards",
    async (name) => {
      const spec = smallSpec({ ...regularisers[name], steps: 10 });
      const reference = await finalHash(spec, 1, 1, 1);
      for (const stopAt of [3, 4, 5]) {
        const before = createCluster({ spec, shards: 2, expectedWorkers: 2, rows, seed: stopAt });
        before.addWorker("a");
        before.addWorker("b");
        const resume = await checkpointAt(before, stopAt);
        const after = createCluster({ spec, shards: 3, expectedWorkers: 1, rows, seed: 5, resume });
        after.addWorker("c");
        expect(await after.finish()).toMatchObject({ state: "finished", hash: reference });
      }
    },
  );

  it("is no part of what workers get, and no λ is needed for it", async () => {
    const spec = smallSpec({
      regulariser: { omega: "mtrl", lambda: 0, options: { epsilon: 1e-3, everySteps: 3 } },
    });
    expect(spec.groups.at(-1)).toMatchObject({ name: "omega/head/label", tasks: [], relates: "head/label" });
    // λ = 0 changes no weight of a task, and yet the hash, for Ω is in it.
    expect(await finalHash(spec, 2, 2, 1)).not.toBe(await finalHash(smallSpec(), 1, 1, 1));
  });
});
