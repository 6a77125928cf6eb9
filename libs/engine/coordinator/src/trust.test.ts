import type { Lease, MessageOf } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import type { Member } from "./member.ts";
import { auditsOf } from "./quorum.ts";
import { createTrust } from "./trust.ts";

const runId = "run";

const member = (workerId: string, start: number): Member =>
  ({ workerId, leases: [{ task: "digits", start, end: start + 2 }] }) as unknown as Member;

function trusting(workers = 3, fromVersion = 0, sameBits = true) {
  const active = Array.from({ length: workers }, (_, place) => member(`w${place}`, place * 2));
  const heard: (readonly [what: string, ...facts: unknown[]])[] = [];
  const trust = createTrust({
    log: { events: [], event: () => undefined, tell: () => undefined, subscribe: () => () => undefined },
    active: () => active,
    fromVersion,
    sameBits,
    onDoubt: (step) => void heard.push(["doubt", step]),
    onConvicted: (workerId, step) => void heard.push(["convicted", workerId, step]),
    onRedo: (step, leases) => void heard.push(["redo", step, leases]),
    onBorneOut: (step, timeline) => void heard.push(["borne out", step, timeline]),
    onFailed: (reason) => void heard.push(["failed", reason]),
  });
  return { trust, heard };
}

const accuse = (step: number, ...workers: [string, string]): MessageOf<"suspect"> => ({
  ...{ type: "suspect", runId, timeline: 0, step, round: 0, task: "digits" },
  ...{ node: { level: 1, index: 0 }, workers },
});

type Sent = readonly (readonly [workerId: string, digest: string])[];

const tasksOf = (sent: Sent): MessageOf<"unfit">["tasks"] => [
  {
    ...{ task: "digits", round: 0 },
    shards: [{ index: 0, nodes: sent.map(([workerId, digest], index) => [1, index, workerId, digest]) }],
  },
];

const unfit = (step: number, timeline: number, sent: Sent): MessageOf<"unfit"> => ({
  ...{ type: "unfit", runId, timeline, step, reason: "a gradient holds NaN" },
  tasks: tasksOf(sent),
});

const committed = (step: number, timeline: number, sent: Sent): MessageOf<"committed"> =>
  ({
    ...{ type: "committed", runId, timeline, step, version: step + 1 },
    tasks: tasksOf(sent).map((task) => ({ ...task, slots: 2, samples: 2, metrics: {} })),
  }) as unknown as MessageOf<"committed">;

describe("workers that disagree", () => {
  it("have the step undone and are checked in every step; nobody is convicted on one other's word", () => {
    const { trust, heard } = trusting();
    trust.accused(accuse(7, "w0", "w1"));
    expect(heard).toEqual([["doubt", 7]]);
    expect([...trust.suspects].sort()).toEqual(["w0", "w1"]);
  });

  it("convict the one whom two others contradict, back to its first contribution, and free the other", () => {
    const { trust, heard } = trusting();
    trust.committed(committed(3, 0, [["w1", "a"]]));
    trust.committed(committed(4, 0, [["w1", "b"]]));
    trust.accused(accuse(7, "w0", "w1"));
    trust.accused(accuse(9, "w2", "w1"));
    expect(heard).toEqual([
      ["doubt", 7],
      ["convicted", "w1", 3],
    ]);
    expect([...trust.suspects]).toEqual([]);
  });

  it("send the run back to its beginning where who contributed before is not known", () => {
    const { trust, heard } = trusting(3, 40);
    trust.committed(committed(41, 0, [["w1", "a"]]));
    trust.accused(accuse(47, "w0", "w1"));
    trust.accused(accuse(49, "w2", "w1"));
    expect(heard.at(-1)).toEqual(["convicted", "w1", 0]);
  });

  it("fail the run when there are two of them and they go on disagreeing", () => {
    const { trust, heard } = trusting(2);
    for (const step of [1, 2, 3]) trust.accused(accuse(step, "w0", "w1"));
    expect(heard.map(([what]) => what)).toEqual(["doubt", "doubt", "failed"]);
    expect(heard.at(-1)?.[1]).toMatch(/w0 and w1 computed different bits 3 times.*resume with a third/);
  });
});

describe("a step whose sum is not finite", () => {
  const first: Sent = [
    ["w0", "aa"],
    ["w1", "bb"],
  ];

  it("is computed again by others, each in place of its neighbour", () => {
    const { trust, heard } = trusting(2);
    trust.unfit(unfit(5, 0, first));
    const leases: ReadonlyMap<string, Lease[]> = new Map([
      ["w0", [{ task: "digits", start: 2, end: 4 }]],
      ["w1", [{ task: "digits", start: 0, end: 2 }]],
    ]);
    expect(heard).toEqual([["redo", 5, leases]]);
  });

  it("is the task's own doing when others compute the same", () => {
    const { trust, heard } = trusting(2);
    trust.unfit(unfit(5, 0, first));
    trust.unfit(
      unfit(5, 1, [
        ["w1", "aa"],
        ["w0", "bb"],
      ]),
    );
    expect(heard.at(-1)?.[0]).toBe("failed");
    expect(heard.at(-1)?.[1]).toMatch(/step 5 cannot be committed: .*other workers computed the same/);
  });

  it("is borne out then, where the job can do without the task, and again when the answer was lost", () => {
    const { trust, heard } = trusting(2);
    const pausable = ["digits"];
    trust.unfit({ ...unfit(5, 0, first), pausable });
    // Told twice in one timeline, it was computed once.
    trust.unfit({ ...unfit(5, 0, first), pausable });
    expect(heard.map(([what]) => what)).toEqual(["redo"]);
    const second = unfit(5, 1, [
      ["w1", "aa"],
      ["w0", "bb"],
    ]);
    trust.unfit({ ...second, pausable });
    trust.unfit({ ...second, pausable });
    expect(heard.slice(1)).toEqual([
      ["borne out", 5, 1],
      ["borne out", 5, 1],
    ]);
    trust.committed(committed(5, 1, [["w1", "aa"]]));
    expect(heard).toHaveLength(3);
  });

  it("convicts whoever sent other bits the first time", () => {
    const { trust, heard } = trusting(2);
    trust.unfit(unfit(5, 0, first));
    trust.committed(
      committed(5, 1, [
        ["w1", "cc"],
        ["w0", "bb"],
      ]),
    );
    expect(heard.at(-1)).toEqual(["convicted", "w0", 5]);
  });

  it("convicts nobody where one worker alone computed it twice", () => {
    const { trust, heard } = trusting(1);
    trust.unfit(unfit(5, 0, [["w0", "aa"]]));
    trust.committed(committed(5, 1, [["w0", "cc"]]));
    expect(heard.map(([what]) => what)).toEqual(["redo"]);
  });
});

describe("audits", () => {
  const three = ["a", "b", "c"].map((workerId, place) => member(workerId, place * 2));

  it("go round: each worker computes its neighbour's slots in a share of the steps", () => {
    const audits = auditsOf(three, 0.05, new Set());
    expect([...audits].map(([auditor, [audit]]) => [auditor, audit?.workerId, audit?.share])).toEqual([
      ["b", "a", 0.05],
      ["c", "b", 0.05],
      ["a", "c", 0.05],
    ]);
  });

  it("are of every step for suspects, and never by a suspect while there is somebody else", () => {
    const audits = auditsOf(three, 0, new Set(["a", "b"]));
    expect([...audits.keys()]).toEqual(["c"]);
    expect(audits.get("c")?.map(({ workerId, share }) => [workerId, share])).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
  });

  it("are none where nobody asked for them", () => {
    expect(auditsOf(three, 0, new Set()).size).toBe(0);
  });
});
