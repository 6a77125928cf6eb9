import type { GuardSpec, RunSpec } from "@latentweave/plan";
import type { CheckpointSource, CommitRecord } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { checkpointAt, smallCluster } from "./small-cluster.ts";
import { smallSpec } from "./small-job.ts";

/** A tolerance below zero, which no job may have: every task counts as harmed, whatever it learns. */
const always: GuardSpec = { action: "branch", tolerance: -10, patience: 2, fromStep: 0 };

function specOf(guard: Partial<GuardSpec>, change: Partial<RunSpec> = {}): RunSpec {
  return smallSpec({
    ...{ steps: 8, evaluation: { everySteps: 2, split: "test", microBatch: 8 } },
    guard: { ...always, ...guard },
    ...change,
  });
}

type Decisions = readonly { readonly step: number; readonly guard: CommitRecord["guard"] }[];

async function run(
  spec: RunSpec,
  workers: number,
  shards: number,
  resume?: CheckpointSource,
): Promise<{ readonly hash: string | null; readonly decisions: Decisions }> {
  const made = smallCluster(spec, workers, shards, resume && { resume });
  const { state, hash } = await made.finish();
  expect(state).toBe("finished");
  const decisions = made.store.commits.flatMap(({ step, guard }) => (guard ? [{ step, guard }] : []));
  return { hash, decisions };
}

const watched = await run(specOf({ tolerance: 10 }), 1, 1);

describe.each<[string, Partial<GuardSpec>, Partial<RunSpec>, number[]]>([
  ["branch", { teaches: false }, {}, [4]],
  ["detach", { action: "detach", fromStep: 5 }, {}, [6]],
  ["reweight", { action: "reweight", patience: 1, factor: 2, most: 4 }, {}, [2, 4]],
  ["branch beside a combiner", { teaches: false }, { combiner: { name: "upgrad", options: {} } }, [4]],
])("a guard that acts by %s", (_, guard, change, steps) => {
  it("decides the same at the same steps on every cluster, and from a checkpoint in the middle", async () => {
    const spec = specOf(guard, change);
    const reference = await run(spec, 1, 1);
    expect(reference.decisions.map(({ step }) => step)).toEqual(steps);
    expect(reference.decisions[0]?.guard?.map(({ task }) => task)).toEqual(["first", "second"]);
    expect(reference.hash, "it changes what is learned").not.toBe(watched.hash);
    expect(await run(spec, 2, 2), "2 workers, 2 shards").toEqual(reference);
    expect(await run(spec, 3, 4), "3 workers, 4 shards").toEqual(reference);

    const resume = await checkpointAt(smallCluster(spec, 2, 2), 3);
    const after = await run(spec, 1, 4, resume);
    expect(after.hash, `from version ${resume.version}`).toBe(reference.hash);
    expect(after.decisions).toEqual(reference.decisions.filter(({ step }) => step >= resume.version));
  });
});

describe("a task that has left for its branch", () => {
  it("goes on teaching the others unless the job says otherwise: no weight is another one", async () => {
    const teaching = await run(specOf({}), 2, 2);
    expect(teaching.decisions.map(({ step }) => step)).toEqual([4]);
    expect(teaching.hash).toBe(watched.hash);
  });
});

describe("a guard that has nothing to do", () => {
  it("records nothing, and says what it did not do in no event", async () => {
    expect(watched.decisions).toEqual([]);
  });

  it("speaks up where it has", async () => {
    const made = smallCluster(specOf({}), 1, 1);
    await made.finish();
    const texts = made.store.events.map(({ text }) => text);
    expect(texts).toContainEqual(
      expect.stringMatching(
        /^step 4: the task "second" is \S+ % worse than alone: it goes on in a branch of its own/,
      ),
    );
  });
});
