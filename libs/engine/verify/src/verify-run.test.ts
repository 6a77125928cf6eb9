import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { CommitRecord, TaskRecord } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import {
  commitSteps,
  digestOf,
  madeCommit,
  makeRun,
  openMadeRun,
  temporaryRun,
  writeMadeCheckpoint,
} from "./testing/made-run.ts";
import { type Verification, verifyRun } from "./verify-run.ts";

/** A run whose commit of one step is not what the plan wants. */
async function withCommit(
  step: number,
  change: (commit: CommitRecord) => CommitRecord,
): Promise<Verification> {
  const directory = temporaryRun();
  const store = openMadeRun(directory);
  for (let at = 0; at <= 5; at++) store.appendCommit(at === step ? change(madeCommit(at)) : madeCommit(at));
  await store.writeState({ state: "interrupted", runId: "made", hash: null, hashVersion: -1 });
  await store.close();
  return await verifyRun(directory);
}

function withTask(commit: CommitRecord, change: (task: TaskRecord) => TaskRecord): CommitRecord {
  return { ...commit, tasks: commit.tasks.map((task, place) => (place === 0 ? change(task) : task)) };
}

describe("a run that went as planned", () => {
  it("is consistent, through an interruption", async () => {
    const directory = temporaryRun();
    await makeRun(directory);
    const found = await verifyRun(directory);
    expect(found.problems).toEqual([]);
    expect(found).toMatchObject({ consistent: true, steps: 10, plannedSteps: 10, version: 9, repeated: 2 });
    expect(found.samples).toEqual({ first: 9 * 20 + 3 * 25, second: 9 * 18 + 3 * 25 });
    expect(found.checkpoints.map(({ version }) => version)).toEqual([9, 8, 4]);
    expect(found.digests).toBe(10);
    expect(found.workers).toEqual(["a", "b"]);
  });
});

describe("a record that is not what was planned is told apart", () => {
  const task = (commit: CommitRecord): TaskRecord => commit.tasks[0] as TaskRecord;
  const nodesOf = (commit: CommitRecord): TaskRecord["shards"][number]["nodes"] =>
    task(commit).shards[0]?.nodes ?? [];

  it.each<[string, (commit: CommitRecord) => CommitRecord, RegExp]>([
    [
      "a micro-batch that was left out",
      (commit) =>
        withTask(commit, (one) => ({
          ...one,
          shards: one.shards.map((shard) => ({ ...shard, nodes: shard.nodes.slice(1) })),
        })),
      /task "first": shard 0: micro-batch 0 of 5 was not applied/,
    ],
    [
      "a micro-batch that was applied twice",
      (commit) =>
        withTask(commit, (one) => ({
          ...one,
          shards: one.shards.map((shard) => ({
            ...shard,
            nodes: [...shard.nodes, [0, 4, "c", "0".repeat(16)]],
          })),
        })),
      /micro-batch 4 was applied twice: by b .* and by c/,
    ],
    [
      "a node that the tree has not",
      (commit) =>
        withTask(commit, (one) => ({
          ...one,
          shards: one.shards.map((shard) => ({ ...shard, nodes: [[7, 0, "c", "0".repeat(16)]] })),
        })),
      /node 7:0 is none of the tree over 5 slots/,
    ],
    [
      "a task that took no part",
      (commit) => ({ ...commit, tasks: commit.tasks.slice(1) }),
      /tasks recorded: second in round 0; planned: first in round 0; second/,
    ],
    [
      "fewer samples",
      (commit) => withTask(commit, (one) => ({ ...one, samples: 19 })),
      /19 samples recorded, 20 planned/,
    ],
    [
      "a shard that is not told of",
      (commit) => withTask(commit, (one) => ({ ...one, shards: one.shards.slice(0, 1) })),
      /nodes recorded of shards 0, expected of 0, 1/,
    ],
    [
      "another learning rate",
      (commit) => ({ ...commit, learningRate: 0.5 }),
      /the learning rate is 0.5, planned is/,
    ],
    ["another phase", (commit) => ({ ...commit, phase: "warm-up" }), /its phase is warm-up/],
    [
      "an update that counts as none",
      (commit) => ({ ...commit, version: 1 }),
      /the version after it is 1, planned is 2/,
    ],
  ])("%s", async (_, change, what) => {
    expect(nodesOf(madeCommit(1)).length).toBeGreaterThan(1);
    const found = await withCommit(1, change);
    expect(found.consistent).toBe(false);
    expect(found.problems[0]?.what).toMatch(what);
    expect(found.problems[0]?.where).toMatch(/^ledger\/commits.jsonl, line \d+, step 1$/);
  });
});

describe("what was computed again", () => {
  const repeated = async (
    change: (commit: CommitRecord) => CommitRecord,
    reason: "recovered" | "convicted",
  ) => {
    const directory = temporaryRun();
    const store = openMadeRun(directory);
    await commitSteps(store, 0, 3);
    await store.appendTimeline({ timeline: 1, fromVersion: 1, reason, detail: "w" });
    store.appendCommit({ ...madeCommit(1), timeline: 1 });
    store.appendCommit(change({ ...madeCommit(2), timeline: 1 }));
    await store.writeState({ state: "interrupted", runId: "made", hashVersion: -1 });
    await store.close();
    return (await verifyRun(directory)).problems.map(({ what }) => what);
  };
  const others: [string, (commit: CommitRecord) => CommitRecord, RegExp][] = [
    [
      "weights",
      (commit) => ({ ...commit, digest: "0".repeat(64) }),
      /version 2 has the digest 000000000000…, before it had/,
    ],
    [
      "metrics",
      (commit) => withTask(commit, (one) => ({ ...one, metrics: { ...one.metrics, loss: 77 } })),
      /its metrics or gradient norm are not those/,
    ],
    [
      "gradients of a node",
      (commit) =>
        withTask(commit, (one) => ({
          ...one,
          shards: one.shards.map((shard) => ({
            ...shard,
            nodes: shard.nodes.map(([level, index, worker]) => [level, index, worker, "0".repeat(16)]),
          })),
        })),
      /node \d:\d of task "first", round 0, shard 0 of 2 was computed again/,
    ],
  ];

  it.each(others)("must have the same %s", async (_, change, what) => {
    expect(await repeated((commit) => commit, "recovered")).toEqual([]);
    expect(await repeated(change, "recovered")).toEqual([expect.stringMatching(what)]);
  });

  it.each(others)("may have other %s after a conviction", async (_, change) => {
    expect(await repeated(change, "convicted")).toEqual([]);
  });
});

describe("checkpoints", () => {
  it("must hold the weights that the record says", async () => {
    const directory = temporaryRun();
    const store = openMadeRun(directory);
    await commitSteps(store, 0, 4);
    store.appendVersion({ version: 4, timeline: 0, digest: digestOf(3) });
    await store.writeState({ state: "interrupted", runId: "made", hashVersion: -1 });
    await store.close();
    const { problems } = await verifyRun(directory);
    expect(problems).toEqual([
      {
        where: "checkpoints/step-00000004",
        what: expect.stringMatching(/the version digest is .*, the record says/) as string,
      },
    ]);
  });

  it("that run.json names must be there, with that hash", async () => {
    const directory = temporaryRun();
    const store = openMadeRun(directory);
    const hash = await commitSteps(store, 0, 4);
    await store.writeState({ state: "interrupted", runId: "made", hash: "0".repeat(64), hashVersion: 4 });
    expect((await verifyRun(directory)).problems).toMatchObject([
      { where: "run.json", what: expect.stringContaining(String(hash)) as string },
    ]);
    rmSync(path.join(directory, "checkpoints", "step-00000004"), { recursive: true });
    expect((await verifyRun(directory)).problems).toMatchObject([{ where: "checkpoints" }]);
    await store.close();
  });

  it("from before a conviction are void, not wrong", async () => {
    const directory = temporaryRun();
    const store = openMadeRun(directory);
    await commitSteps(store, 0, 4);
    await store.appendTimeline({ timeline: 1, fromVersion: 2, reason: "convicted", detail: "w" });
    for (const step of [2, 3])
      store.appendCommit({
        ...madeCommit(step),
        timeline: 1,
        ...(step === 3 ? { digest: "1".repeat(64) } : {}),
      });
    store.appendVersion({ version: 4, timeline: 1, digest: "2".repeat(64) });
    await store.writeState({ state: "interrupted", runId: "made", hashVersion: -1 });
    await store.recorded();
    const found = await verifyRun(directory);
    expect(found.problems).toEqual([]);
    expect(found.checkpoints).toMatchObject([{ version: 4, void: true }]);
    await store.close();
  });

  it("without a seal are told", async () => {
    const [directory, other] = [temporaryRun(), temporaryRun()];
    await makeRun(directory);
    const store = openMadeRun(other);
    await writeMadeCheckpoint(store, 1);
    await commitSteps(store, 0, 1);
    await store.close();
    rmSync(path.join(directory, "checkpoints"), { recursive: true });
    renameSync(path.join(other, "checkpoints"), path.join(directory, "checkpoints"));
    const { problems } = await verifyRun(directory);
    expect(problems.map(({ what }) => what)).toContain("the record has no seal of it");
  });
});

describe("a run that cannot be verified", () => {
  it("says which file is missing", async () => {
    const directory = temporaryRun();
    await makeRun(directory);
    rmSync(path.join(directory, "ledger"), { recursive: true });
    rmSync(path.join(directory, "spec.json"));
    await expect(verifyRun(directory)).rejects.toThrow("spec.json, ledger/commits.jsonl are missing");
  });

  it("says which format its record or spec has, when it is another one", async () => {
    const directory = temporaryRun();
    await makeRun(directory);
    const spec = path.join(directory, "spec.json");
    writeFileSync(spec, readFileSync(spec, "utf8").replace('"format":1', '"format":2'));
    await expect(verifyRun(directory)).rejects.toThrow("this run's spec.json has format 2");
  });

  it("tells that spec.json was exchanged", async () => {
    const directory = temporaryRun();
    await makeRun(directory);
    const spec = path.join(directory, "spec.json");
    writeFileSync(spec, readFileSync(spec, "utf8").replace('"seed":7', '"seed":8'));
    expect((await verifyRun(directory)).problems).toMatchObject([
      {
        where: "spec.json",
        what: expect.stringMatching(/^it is not the one that the run was started with/) as string,
      },
    ]);
  });
});
