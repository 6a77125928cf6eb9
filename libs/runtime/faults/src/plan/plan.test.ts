import { UserError } from "@latentweave/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPlan } from "./check-plan.ts";
import { describeAction } from "./describe-fault.ts";
import { type Fault, faultKinds, strikesItself } from "./fault.ts";
import { parsePlan } from "./parse-plan.ts";
import { randomPlan } from "./random-plan.ts";
import { isSurvivable } from "./targets.ts";

const run = { steps: 100, workers: 3, shards: 2, audited: false };

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof UserError && error.exitCode === 2) return error.message;
    throw error;
  }
  throw new Error("it was accepted");
}

const parsed = (...faults: unknown[]): string => refusal(() => parsePlan({ faults }, "plan.yaml"));
const checked = (fault: unknown, more: object = {}): string =>
  refusal(() => checkPlan(parsePlan({ ...more, faults: [fault] }, "plan.yaml"), run, "plan.yaml"));

describe("a plan that cannot be read", () => {
  it("names an unknown fault, where it stands, and the nearest one there is", () => {
    const text = parsed({ do: "kil", to: "worker-0", at: { step: 1 } });
    expect(text).toContain("plan.yaml: faults[0].do");
    expect(text).toContain('got "kil", which is no fault');
    expect(text).toContain('did you mean "kill"?');
  });

  it("names an unknown field, a missing one and a number that is too small, all at once", () => {
    const text = parsed(
      { do: "stop", to: "worker-0", at: { step: 1 }, forms: 3 },
      { do: "kill", at: { step: 1 } },
      { do: "slow", to: "worker-0", at: { step: -1 }, factor: 1 },
    );
    expect(text).toContain("faults[0].forms");
    expect(text).toContain('did you mean "forMs"?');
    expect(text).toContain("faults[1].to");
    expect(text).toContain("faults[2].at.step");
    expect(text).toContain("a number of at least 2");
  });

  it("may be a list of faults alone, and is then spoken of as such", () => {
    expect(parsePlan([{ do: "kill", to: "shard-0", at: { step: 2 } }], "p").faults).toHaveLength(1);
    expect(refusal(() => parsePlan([{ do: "kill" }], "plan.yaml"))).toContain("plan.yaml: [0].");
    expect(refusal(() => parsePlan([], "plan.yaml"))).toContain("a list that is not empty");
  });
});

describe("a plan that does not fit its run", () => {
  it("names an unknown process", () => {
    const text = checked({ do: "kill", to: "worker-7", at: { step: 1 } });
    expect(text).toContain('faults[0].to: got "worker-7", which is no process of this run');
    expect(text).toContain("worker-0, worker-1, worker-2, shard-0, shard-1, coordinator");
  });

  it("names an unknown moment, one of another kind of process, and one that only the leader passes", () => {
    const at = (to: string, moment: string): string => checked({ do: "kill", to, at: { step: 1, moment } });
    expect(at("worker-0", "mid-psh")).toContain('did you mean "mid-push"?');
    expect(at("worker-0", "before-commit")).toContain('"before-commit", which is no moment of worker-0');
    expect(at("shard-1", "after-commit")).toContain("no moment of shard-1");
    expect(checked({ do: "slow", to: "worker-0", at: { step: 1, moment: "mid-push" } })).toContain(
      '"slow" is not done at a moment',
    );
  });

  it("names a step beyond the run", () => {
    const text = checked({ do: "kill", to: "worker-0", at: { step: 100 } });
    expect(text).toContain("faults[0].at.step: got 100, which is beyond the run");
    expect(text).toContain("0 to 99");
  });

  it("names what cannot be done to a process, and a newcomer that is there already", () => {
    expect(checked({ do: "disk-full", to: "worker-0", at: { step: 1 } })).toContain("cannot be done to");
    expect(checked({ do: "join", to: "worker-1", at: { step: 1 } })).toContain("such as worker-3");
    expect(
      checked({ do: "kill", to: "worker-0", at: { step: 1 } }, { hosts: { "host-1": ["worker-9"] } }),
    ).toContain("hosts.host-1[0]");
  });

  it("names a worker that is to be on another host than the shard in its process", () => {
    const faults = [{ do: "partition", to: "host-1", at: { step: 3 } }];
    const check = (member: string, beside: boolean) => () =>
      checkPlan(parsePlan({ hosts: { "host-1": [member] }, faults }, "p"), { ...run, beside }, "p");
    expect(check("worker-0", true)).toThrow("has shard-0 in its process");
    expect(check("worker-0", false)).not.toThrow();
  });

  it("may strike who joined earlier, and not who joins later", () => {
    const plan = (kill: number): unknown => ({
      faults: [
        { do: "join", to: "worker-3", at: { step: 10 } },
        { do: "kill", to: "worker-3", at: { step: kill } },
      ],
    });
    expect(() => checkPlan(parsePlan(plan(11), "p"), run, "p")).not.toThrow();
    expect(() => checkPlan(parsePlan(plan(9), "p"), run, "p")).toThrow("no process of this run");
  });
});

describe("a random plan", () => {
  it("fits its run, follows from its seed, and holds only what a run survives", () => {
    fc.assert(
      fc.property(
        fc.nat(4_294_967_295),
        fc.integer({ min: 20, max: 500 }),
        fc.boolean(),
        (seed, steps, audited) => {
          const shape = { ...run, steps, audited };
          const plan = randomPlan(seed, shape);
          checkPlan(plan, shape, "plan");
          expect(randomPlan(seed, shape)).toEqual(plan);
          expect(plan.faults.every((fault) => isSurvivable(fault.do, audited))).toBe(true);
          expect(plan.faults.length).toBeGreaterThanOrEqual(Math.min(10, steps - 6));
        },
      ),
    );
  });

  it("is as a file would say it", () => {
    const plan = randomPlan(3, run);
    expect(parsePlan(JSON.parse(JSON.stringify(plan)), "plan")).toEqual(plan);
  });

  it.each([
    [false, "no wrong bits"],
    [true, "wrong bits too"],
  ])("comes to every kind of fault that a run survives, over enough seeds (audited: %s, %s)", (audited) => {
    const seen = new Set(
      Array.from({ length: 200 }, (_, seed) => randomPlan(seed, { ...run, audited }).faults).flat(),
    );
    const kinds = new Set([...seen].map((fault) => fault.do));
    expect([...kinds].sort()).toEqual(faultKinds.filter((kind) => isSurvivable(kind, audited)).sort());
    expect(kinds.has("wrong-answers")).toBe(audited);
  });
});

describe("a fault", () => {
  it("of every kind can be told in words", () => {
    for (const kind of faultKinds) {
      const fault = parsePlan([{ do: kind, to: "worker-0", at: { step: 0 } }], "p").faults[0] as Fault;
      expect(describeAction(fault)).toMatch(/\w/);
    }
  });

  it("that names a moment is done by the process itself; so is what only the process can do", () => {
    const fault = (text: object): boolean =>
      strikesItself(parsePlan([{ to: "worker-0", ...text }], "p").faults[0] as Fault);
    expect(fault({ do: "kill", at: { step: 0 } })).toBe(false);
    expect(fault({ do: "kill", at: { step: 0, moment: "mid-push" } })).toBe(true);
    expect(fault({ do: "nan-gradient", at: { step: 0 } })).toBe(true);
  });
});
