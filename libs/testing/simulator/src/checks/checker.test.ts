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
