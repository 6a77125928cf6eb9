import type { RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { createCluster, randomRows } from "./cluster.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";

const rows = randomRows(smallWidth, smallClasses);

async function run(
  spec: RunSpec,
  workers: number,
  shards: number,
): Promise<{ readonly hash: string | null; readonly recorded: readonly unknown[] }> {
  const cluster = createCluster({
    spec,
    shards,
    expectedWorkers: workers,
    rows,
    seed: workers * 10 + shards,
  });
  for (let index = 0; index < workers; index++) cluster.addWorker(`w${index}`);
  const { state, hash } = await cluster.finish();
  expect(state).toBe("finished");
  const recorded = cluster.store.steps.flatMap(({ step, gradients }) =>
    gradients ? [{ step, gradients }] : [],
  );
  return { hash, recorded };
}

const asked = smallSpec({ steps: 7, cosinesEverySteps: 3 });

describe("the cosines between the tasks' gradients", () => {
  it("are recorded every so many steps, the same for any number of workers and shards", async () => {
    const { recorded, hash } = await run(asked, 1, 1);
    expect(recorded).toEqual(
      [0, 3, 6].map((step) => ({
        step,
        gradients: { norms: [expect.any(Number), expect.any(Number)], cosines: [expect.any(Number)] },
      })),
    );
    expect(await run(asked, 2, 2)).toEqual({ recorded, hash });
    expect(await run(asked, 3, 4)).toEqual({ recorded, hash });
  });

  it("change no weight, and are no part of the record where nobody asks for them", async () => {
    const plain = await run(smallSpec({ steps: 7 }), 2, 2);
    expect(plain.recorded).toEqual([]);
    expect((await run(asked, 2, 2)).hash).toBe(plain.hash);
  });

  it("are those that a combiner is given, and are recorded beside it", async () => {
    const combiner = { name: "mgda", options: { normalise: "none" } };
    const first = smallSpec({ steps: 1, evaluation: null, combiner, cosinesEverySteps: 1 });
    const plain = await run({ ...first, combiner: { name: "sum", options: {} } }, 1, 1);
    expect((await run(first, 2, 2)).recorded).toEqual(plain.recorded);
  });

  it("are recorded in the modes with an order too, by planned step", async () => {
    const stale = smallSpec({ steps: 7, cosinesEverySteps: 3, mode: { kind: "stale", bound: 2 } });
    const { recorded } = await run(stale, 2, 2);
    expect(recorded).toHaveLength(3);
  });
});
