import { type CombinerName, combinerNames, combinerParts } from "@latentweave/job";
import type { RunSpec } from "@latentweave/plan";
import type { CheckpointSource } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { checkpointAt, smallCluster } from "./small-cluster.ts";
import { smallSpec } from "./small-job.ts";

/** Periods short enough for what a method remembers to matter within a few steps. */
const short: Partial<Record<CombinerName, Readonly<Record<string, number>>>> = {
  dwa: { everySteps: 1 },
  stch: { warmupSteps: 1, nadirSteps: 1 },
};

function specOf(name: CombinerName, change: Partial<RunSpec> = {}): RunSpec {
  const options = { ...combinerParts(name).options, ...short[name] };
  return smallSpec({ steps: 4, evaluation: null, combiner: { name, options }, ...change });
}

async function finalHash(
  spec: RunSpec,
  workers: number,
  shards: number,
  resume?: CheckpointSource,
): Promise<string> {
  const outcome = await smallCluster(spec, workers, shards, resume && { resume }).finish();
  expect(outcome.state).toBe("finished");
  return outcome.hash as string;
}

const sum = await finalHash(specOf("sum"), 1, 1);

describe.each(combinerNames)("with the combiner %s", (name) => {
  it("a run has the same bits for any number of workers and shards, and from a checkpoint in the middle", async () => {
    const spec = specOf(name);
    const reference = await finalHash(spec, 1, 1);
    if (name !== "sum") expect(reference, "its weights are used").not.toBe(sum);
    expect(await finalHash(spec, 2, 2), "2 workers, 2 shards").toBe(reference);
    expect(await finalHash(spec, 3, 4), "3 workers, 4 shards").toBe(reference);

    const resume = await checkpointAt(smallCluster(spec, 2, 2), 2);
    expect(await finalHash(spec, 1, 4, resume), `from version ${resume.version}`).toBe(reference);
  });
});

describe("weights that hold for three steps", () => {
  it("come to the same bits on every cluster, and from a checkpoint between two makings", async () => {
    const plain = specOf("nash-mtl");
    const spec = { ...plain, combiner: { ...plain.combiner, everySteps: 3 } };
    const reference = await finalHash(spec, 1, 1);
    expect(reference).not.toBe(await finalHash(plain, 1, 1));
    expect(await finalHash(spec, 3, 4)).toBe(reference);
    const resume = await checkpointAt(smallCluster(spec, 2, 2), 2);
    expect(await finalHash(spec, 1, 4, resume), `from version ${resume.version}`).toBe(reference);
  });
});

describe("private parameters", () => {
  it("are left as they are, or scaled with their task where the job says so", async () => {
    const plain = specOf("gls");
    const { name, options } = plain.combiner;
    const scaled = specOf("gls", { combiner: { name, options, scalesPrivate: true } });
    const reference = await finalHash(scaled, 1, 1);
    expect(reference).not.toBe(await finalHash(plain, 1, 1));
    expect(await finalHash(scaled, 3, 2)).toBe(reference);
  });
});

describe("a task's weight", () => {
  it("changes nothing for a method that minimises logarithms of losses, with an optimiser that has no scale of its own", async () => {
    // Powers of two, so that nothing is rounded differently; the private gradients are weighed back to what they were.
    const spec = specOf("si", { optimiser: { kind: "sgd", learningRate: 0.1 } });
    const combiner = { ...spec.combiner, scalesPrivate: true };
    const weighed = spec.tasks.map((task) => ({ ...task, weight: 4 }));
    const even = spec.tasks.map((task) => ({ ...task, weight: 1 }));
    const reference = await finalHash({ ...spec, combiner, tasks: even }, 1, 1);
    expect(await finalHash({ ...spec, combiner, tasks: weighed }, 1, 1)).toBe(reference);
  });
});
