import type { Message } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { tinySpec } from "../cluster/tiny-jobs.ts";
import { referenceOf } from "../simulate.ts";
import { type Checker, createChecker, type Violation } from "./checker.ts";

async function checked(): Promise<{ checker: Checker; violations: Violation[] }> {
  const violations: Violation[] = [];
  const checker = createChecker({
    spec: tinySpec("bare", 4),
    shards: 2,
    reference: await referenceOf("bare", 4),
    nowMs: () => 0,
    buffered: () => 0,
    onViolation: (violation) => violations.push(violation),
    onCommit: () => undefined,
  });
  return { checker, violations };
}

const end = { timeline: 0, nextStep: 9 };

describe("a checkpoint that was said to be on the disk", () => {
  it("is missed when the run is opened without it", async () => {
    const { checker, violations } = await checked();
    checker.durable(4);
    checker.durable(8);
    checker.reopened(4, end);
    expect(violations.map(({ invariant }) => invariant)).toEqual(["durable"]);
  });

  it("is not missed when it was damaged, even between its rename and its writer's hearing of it", async () => {
    const { checker, violations } = await checked();
    checker.durable(4);
    checker.damaged(8);
    checker.durable(8);
    checker.reopened(4, end);
    checker.durable(8);
    checker.damaged(8);
    checker.reopened(4, end);
    expect(violations).toEqual([]);
  });

  it("is missed again once it has been written anew", async () => {
    const { checker, violations } = await checked();
    checker.damaged(8);
    checker.durable(8);
    checker.durable(8);
    checker.reopened(4, end);
    expect(violations).toHaveLength(1);
  });
});

describe("a version that a shard publishes", () => {
  const runId = "r";
  const begin = { type: "begin", runId, timeline: 1, step: 0, from: "initial" } as const;
  const decide = {
    type: "decide",
    ...{ runId, timeline: 0, step: 0, round: 0, weights: [1, 1, 1], scale: 1 },
    ...{ abandon: false, checkpoint: false, last: false },
  } as const;
  const broadcastIn = (timeline: number): Message => ({
    type: "broadcast",
    ...{ runId, timeline, step: 1, round: 0, quorumId: 1, index: 1, slices: [] },
  });

  it("is one that was decided on in its timeline, though the leader begins in another", async () => {
    const { checker, violations } = await checked();
    const say = (from: string, to: string, message: Message): void =>
      checker.sent({ from, to, connection: 1, isAlive: () => true, message, slices: [] });
    checker.passed("shard-0", "before-commit", 0);
    say("shard-0", "shard-1", decide);
    say("coordinator", "shard-0", begin);
    say("shard-1", "worker-0", broadcastIn(0));
    expect(violations).toEqual([]);
    say("shard-1", "worker-0", broadcastIn(1));
    expect(violations.map(({ invariant }) => invariant)).toEqual(["publish"]);
  });
});
